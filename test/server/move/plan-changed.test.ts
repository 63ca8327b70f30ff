import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Sql } from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BackupError } from "../../../engine/errors.ts";
import type { ConflictMode, MovedTable, Plan } from "../../../engine/plan.ts";
import { type Connection, connect } from "../../../server/database/connect.ts";
import { previewImport } from "../../../server/import/import-bundle.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { failingStore } from "../../support/failing-store.ts";
import { codeOf, expectQuiet, expectUntouched, failureOf, orphans } from "../../support/import-phases.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  preview,
  requestFor,
  stateOf,
  withBundle,
} from "../../support/instances.ts";
import { type SqlTap, useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();

let home: string;
let bundle: string;
let target: Instance;
let tap: SqlTap;
let tapped: Connection;
/** Rows that the target does not have any more, and the bundle brings, as JSON. */
let coming: { scope: string; file: string; edge: string };
let rows: Record<string, string>;

const insertKept = (table: string, row: string) =>
  `insert into ${table} select (json_populate_record(null::${table}, '${row.replaceAll("'", "''")}')).*`;

/** What somebody else may do in the target between the plan and its application. */
const changes: { name: string; mode: ConflictMode; sql: () => string; moved: Record<string, number> }[] = [
  {
    name: "a row that was about to come is there",
    mode: "skip_existing",
    moved: { scopes: 1 },
    sql: () => insertKept("scopes", coming.scope),
  },
  {
    name: "a row that was there is gone",
    mode: "skip_existing",
    moved: { exposure_changes: 1 },
    sql: () => "delete from exposure_changes where id = (select min(id) from exposure_changes)",
  },
  {
    name: "a row that an update would change is another one",
    mode: "merge",
    moved: { assets: 3 },
    sql: () => "update assets set notes = 'of somebody else' where notes = 'differs'",
  },
  {
    name: "a row that an update would change has changed in another column",
    mode: "merge",
    moved: { assets: 3 },
    sql: () => "update assets set risk_score = 1.5 where notes = 'differs'",
  },
  {
    name: "a row that was identical has changed",
    mode: "merge",
    moved: { vulnerabilities: 1 },
    sql: () => "update vulnerabilities set notes = 'new' where id = (select min(id::text)::uuid from vulnerabilities)",
  },
  {
    name: "metadata that an update would change is other metadata",
    mode: "overwrite_metadata_only",
    moved: { assets: 3 },
    sql: () => "update assets set notes = 'of somebody else' where notes = 'differs'",
  },
  {
    name: "a unique value of a coming row is taken",
    mode: "skip_existing",
    moved: { scopes: 1 },
    sql: () =>
      `with kept as (select * from json_populate_record(null::scopes, '${coming.scope}'))
       insert into scopes (organization_id, kind, value, network, created_by)
       select organization_id, kind, value, network, (select min(id::text)::uuid from users) from kept`,
  },
  {
    name: "a parent that a coming row needs is gone",
    mode: "skip_existing",
    moved: { assets: 3, asset_edges: 2, scan_jobs: 1 },
    sql: () => `delete from assets where id = '${JSON.parse(coming.edge).source_asset_id}'`,
  },
  {
    name: "what a nullable reference names is gone",
    mode: "skip_existing",
    moved: { reports: 1 },
    sql: () => `delete from reports where id = '${JSON.parse(coming.file).report_id}'`,
  },
  {
    name: "the key of a coming object is another row's",
    mode: "skip_existing",
    moved: { files: 1 },
    sql: () =>
      `update files set object_key = '${JSON.parse(coming.file).object_key}' where id = (select min(id::text)::uuid from files)`,
  },
];

beforeAll(async () => {
  home = await temporaryFolder();
  const source = await demoInstance(db, folderStore(home, "source"), { assets: 60, files: 16, orgs: 2 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
  target = await emptyInstance(db, folderStore(home, "target"));
  await importFile(target, bundle);
  tap = await tapOf(target.url);
  tapped = await connect(tap.url);
  const { sql } = target;
  await sql`update assets set notes = 'differs' where id in (select id from assets order by id limit 3)`;
  const take = async (table: string, where: string) =>
    (
      await sql.unsafe(`delete from ${table} where ctid = (select ctid from ${table} where ${where} limit 1)
      returning row_to_json(${table})::text as row`)
    )[0]!["row"] as string;
  const file = await take("files", "report_id is not null");
  coming = { file, scope: await take("scopes", "not is_default"), edge: await take("asset_edges", "true") };
  await target.store.remove(JSON.parse(file).object_key);
  rows = await keep(sql);
});

afterAll(() => tapped?.close());

beforeEach(() => bringBack(target.sql));

const tables = Object.keys(easm.tables).filter((table) => table !== "users");

async function keep(sql: Sql): Promise<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const table of tables) {
    const [row] = await sql.unsafe(`select coalesce(json_agg(t), '[]')::text as rows from ${table} t`);
    kept[table] = row!["rows"];
  }
  return kept;
}

/** The state that every test begins with. */
async function bringBack(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    await tx.unsafe(`set local session_replication_role = replica; truncate ${tables.join(", ")} cascade`);
    for (const [table, text] of Object.entries(rows)) {
      const [found] = await tx`select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
        where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = ''`;
      const { columns } = found!;
      await tx.unsafe(
        `insert into ${table} (${columns}) overriding system value select ${columns} from json_populate_recordset(null::${table}, $1::text::json)`,
        [text],
      );
    }
  });
}

async function putObject(key: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const body = (async function* () {
    yield bytes;
  })();
  expect(await target.store.create(key, body, { size: bytes.length, sha256 })).toBe("created");
}

/** Counts that differ are those of rows that moved, and every one of them is shown as what it is now. */
function expectMoved(error: unknown, tables: Record<string, number>): void {
  const { code, details, message } = error as BackupError;
  expect(code).toBe("IMPORT_PLAN_CHANGED");
  const moved = details["moved"] as MovedTable[];
  expect(Object.fromEntries(moved.map(({ table, rows }) => [table, rows]))).toEqual(tables);
  const plan = details["plan"] as Plan;
  for (const { table, planned, now, rows, samples } of moved) {
    expect(message).toContain(`${rows} ${rows === 1 ? "row" : "rows"} of ${table}`);
    expect(now).toEqual(plan.tables.find((found) => found.table === table)!.outcomes);
    expect(samples).toHaveLength(Math.min(rows, 10));
    for (const sample of samples)
      expect([planned[sample.planned], now[sample.now]]).toEqual([expect.any(Number), expect.any(Number)]);
  }
}

describe("between preview and import", () => {
  test.each(changes)("$name: IMPORT_PLAN_CHANGED", async ({ mode, sql, moved }) => {
    const keptPlan = join(home, randomUUID());
    const { digest } = await withBundle(bundle, (opened) =>
      previewImport({ ...requestFor(target, opened, mode), keepIn: keptPlan }),
    );
    await target.sql.unsafe(sql());
    const changed = await stateOf(target);
    expectMoved(await failureOf(importFile(target, bundle, mode, { planDigest: digest, keptPlan })), moved);
    await expectUntouched(target, changed);
    const unkept = (await failureOf(importFile(target, bundle, mode, { planDigest: digest }))) as BackupError;
    expect(unkept.code).toBe("IMPORT_PLAN_CHANGED");
    expect(unkept.details).not.toHaveProperty("moved");
    await expectUntouched(target, changed);
  });

  test("an object appears under the key of a coming one", async () => {
    const { digest } = await preview(target, bundle);
    const key = JSON.parse(coming.file).object_key;
    await putObject(key, "somebody else's");
    const changed = await stateOf(target);
    expect(await codeOf(importFile(target, bundle, "skip_existing", { planDigest: digest }))).toBe("IMPORT_PLAN_CHANGED");
    await expectUntouched(target, changed);
    await target.store.remove(key);
  });

  test("another mode, another importer or another bundle is another plan", async () => {
    const { digest } = await preview(target, bundle, "skip_existing");
    const before = await stateOf(target);
    expect(await codeOf(importFile(target, bundle, "merge", { planDigest: digest }))).toBe("IMPORT_PLAN_CHANGED");
    const importer = { ...target.importer, id: "00000000-0000-4000-8000-000000000000" };
    const other = importFile(target, bundle, "skip_existing", { planDigest: digest, importer });
    expect(await codeOf(other)).toBe("IMPORT_PLAN_CHANGED");
    await expectUntouched(target, before);
  });

  test("nothing that matters: the plan is carried out as it was shown", async () => {
    const plan = await preview(target, bundle, "merge");
    expect(await preview(target, bundle, "merge")).toEqual(plan);
    await target.sql`update organizations set webhook_secret = 'turned'`;
    await target.sql`insert into login_attempts (email, succeeded) values ('a@b', false)`;
    const report = await importFile(target, bundle, "merge", { planDigest: plan.digest });
    expect(report.plan).toEqual(plan);
    expect(await orphans(target)).toEqual([]);
    await target.store.remove(JSON.parse(coming.file).object_key);
  });
});

describe("between the import's own plan and its application", () => {
  test.each(changes)("$name: IMPORT_PLAN_CHANGED, and the objects are gone again", async ({ mode, sql, moved }) => {
    const held = tap.hold((text) => text.startsWith("lock table"));
    const failure = failureOf(importFile({ ...target, sql: tapped.sql }, bundle, mode));
    const { release } = await held;
    expect(await target.store.stat(JSON.parse(coming.file).object_key)).not.toBeNull();
    await target.sql.unsafe(sql());
    const changed = await stateOf(target);
    release();
    expectMoved(await failure, moved);
    const { object_key } = JSON.parse(coming.file);
    expect(await target.store.stat(object_key)).toEqual(
      (await target.sql`select 1 from files where object_key = ${object_key}`).length > 0 ? expect.anything() : null,
    );
    expect((await stateOf(target)).tables).toEqual(changed.tables);
    await expectQuiet(target.sql);
    await target.store.remove(object_key);
  });

  test("an object appears under the key of one that is being written: it is left as it is", async () => {
    const { object_key, size_bytes } = JSON.parse(coming.file);
    const store = failingStore(target.store, {
      slow: (call, key) => (call === "create" && key === object_key ? putObject(key, "x".repeat(size_bytes)) : undefined),
    });
    const before = await stateOf(target);
    expect(await codeOf(importFile({ ...target, store }, bundle))).toBe("IMPORT_PLAN_CHANGED");
    expect(await orphans(target)).toEqual([object_key]);
    await target.store.remove(object_key);
    await expectUntouched(target, before);
  });

  test("a trigger of the application keeps rows out: the counts are not the planned ones", async () => {
    await target.sql.unsafe(`create function keep_out() returns trigger language plpgsql as 'begin return null; end';
      create trigger keep_out before insert on files for each row execute function keep_out()`);
    const before = await stateOf(target);
    expect(await codeOf(importFile(target, bundle))).toBe("IMPORT_PLAN_CHANGED");
    await target.sql`drop function keep_out cascade`;
    await expectUntouched(target, before);
  });
});
