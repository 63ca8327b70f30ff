import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImportReport, Plan } from "../../../engine/plan.ts";
import { type Connection, connect } from "../../../server/database/connect.ts";
import { previewImport } from "../../../server/import/import-bundle.ts";
import { useDatabase } from "../../support/database.ts";
import { failingStore } from "../../support/failing-store.ts";
import { codeOf, expectQuiet, expectUntouched, failureOf, orphans, phases, until } from "../../support/import-phases.ts";
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
const runs = Number(process.env["HOLDALL_TEST_RUNS"] ?? 10);

let home: string;
let bundle: string;
let target: Instance;
let tap: SqlTap;
let tapped: Connection;
let before: Awaited<ReturnType<typeof stateOf>>;

beforeAll(async () => {
  home = await temporaryFolder();
  const source = await demoInstance(db, folderStore(home, "source"), { assets: 60, files: 8, orgs: 2 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
  target = await emptyInstance(db, folderStore(home, "target"));
  tap = await tapOf(target.url);
  tapped = await connect(tap.url);
  before = await stateOf(target);
});

afterAll(() => tapped?.close());

const isWaiting = async (sql: Sql) =>
  (await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).length > 0;

/** Holds a lock in a session of its own until it is let go. */
async function holding(sql: Sql, statement: string): Promise<() => Promise<void>> {
  const session = await sql.reserve();
  await session.unsafe(`begin; ${statement}`);
  return async () => {
    await session`rollback`;
    session.release();
  };
}

describe("an import that is aborted", () => {
  const reason = new Error("somebody changed their mind");

  test.each(phases)("$name: the reason is thrown, and nothing changed", async ({ statement, answer }) => {
    const controller = new AbortController();
    const held = tap.hold((text) => statement.test(text), answer ? "answer" : "statement");
    const failure = failureOf(importFile({ ...target, sql: tapped.sql }, bundle, "merge", { signal: controller.signal }));
    const { release } = await held;
    controller.abort(reason);
    release();
    expect(await failure).toBe(reason);
    await expectUntouched(target, before);
  });

  test("while PostgreSQL is at work: the query ends with it", async () => {
    const release = await holding(target.sql, "lock table vulnerabilities in exclusive mode");
    const controller = new AbortController();
    const failure = failureOf(importFile(target, bundle, "merge", { signal: controller.signal }));
    await until("a lock that it waits for", () => isWaiting(target.sql));
    controller.abort(reason);
    expect(await failure).toBe(reason);
    await until("the query's end", async () => !(await isWaiting(target.sql)));
    await release();
    await expectUntouched(target, before);
  });

  test("at every object: those that were written are gone", async () => {
    for (let n = 1; n <= 8; n += 3) {
      const controller = new AbortController();
      const store = failingStore(target.store, {
        slow: (call, _key, at) => {
          if (call === "create" && at === n) controller.abort(reason);
          return undefined;
        },
      });
      expect(await failureOf(importFile({ ...target, store }, bundle, "merge", { signal: controller.signal }))).toBe(reason);
      await expectUntouched(target, before);
    }
  });

  test("before it has begun, or while it previews", async () => {
    expect(await failureOf(importFile(target, bundle, "merge", { signal: AbortSignal.abort(reason) }))).toBe(reason);
    const controller = new AbortController();
    const held = tap.hold((text) => text.startsWith("analyze pg_temp.stage_4"));
    const options = { signal: controller.signal };
    const failure = failureOf(previewWith({ ...target, sql: tapped.sql }, options));
    const { release } = await held;
    controller.abort(reason);
    release();
    expect(await failure).toBe(reason);
    await expectUntouched(target, before);
  });

  async function previewWith(instance: Instance, options: { signal: AbortSignal }) {
    return withBundle(bundle, (opened) => previewImport({ ...requestFor(instance, opened, "merge"), ...options }));
  }
});

describe("two imports at once", () => {
  test("the second is refused soon, previews run beside the first, and the first succeeds", async () => {
    const both = await emptyInstance(db, folderStore(home, "both"));
    const release = await holding(both.sql, "lock table vulnerabilities in exclusive mode");
    const first = importFile(both, bundle);
    await until("a lock that it waits for", () => isWaiting(both.sql));
    const began = performance.now();
    expect(await codeOf(importFile(both, bundle))).toBe("IMPORT_LOCKED");
    expect(performance.now() - began).toBeLessThan(2000);
    const plan = await preview(both, bundle);
    await release();
    const report = await first;
    // Objects that the first has written by then are there already.
    expect(plan.tables).toEqual(report.plan.tables);
    expect(plan.blobs).toMatchObject({ write: 0, present: report.plan.blobs.write });
    expect(await orphans(both)).toEqual([]);
    await expectQuiet(both.sql);
  });

  test("several that begin together: one imports, the others are refused", async () => {
    const several = await emptyInstance(db, folderStore(home, "several"));
    const release = await holding(several.sql, "lock table vulnerabilities in exclusive mode");
    let refused = 0;
    const outcomes = Array.from({ length: 4 }, () =>
      importFile(several, bundle).then(
        () => "imported",
        (error) => {
          refused++;
          return error.code as string;
        },
      ),
    );
    await until("the refusals", async () => refused === 3);
    await release();
    expect((await Promise.all(outcomes)).sort()).toEqual(["IMPORT_LOCKED", "IMPORT_LOCKED", "IMPORT_LOCKED", "imported"]);
  });
});

describe("the application goes on writing", () => {
  test("a transaction that takes its tables in another order: one of the two gives way, and the import succeeds", async () => {
    const busy = await emptyInstance(db, folderStore(home, "busy"));
    const session = await busy.sql.reserve();
    await session.unsafe("begin; set local deadlock_timeout = '10s'; lock table files in row exclusive mode");
    const importing = importFile(busy, bundle);
    await until("a lock that it waits for", () => isWaiting(busy.sql));
    // Now each waits for the other, and the import is the one that looks first.
    await session.unsafe("lock table organizations in row exclusive mode; commit");
    session.release();
    expect((await importing).failed_blobs).toEqual([]);
    await expectQuiet(busy.sql);
  });

  test("a transaction in the way that does not give way is a conflict, not a database that is down", async () => {
    const busy = await emptyInstance(db, folderStore(home, "in-the-way"));
    await busy.sql.unsafe(`create function in_the_way() returns trigger language plpgsql as
      'begin raise lock_not_available; end'; create trigger in_the_way before insert on files execute function in_the_way()`);
    const empty = await stateOf(busy);
    expect(await codeOf(importFile(busy, bundle))).toBe("IMPORT_CONFLICT");
    await expectUntouched(busy, empty);
  });

  test("at random: every run ends in what was planned, row for row, or in IMPORT_PLAN_CHANGED", async () => {
    const busy = await emptyInstance(db, folderStore(home, "random"));
    await importFile(busy, bundle);
    await watchRows(busy.sql);
    const outcomes: string[] = [];
    for (let run = 0; run < runs; run++) {
      await busy.sql`delete from files where id in (select id from files order by random() limit 2)`;
      await busy.sql`delete from scopes where id in (select id from scopes order by random() limit 3)`;
      await busy.sql`delete from assets where id in (select id from assets order by random() limit 5)`;
      for (const key of await orphans(busy)) await busy.store.remove(key);
      const mode = run % 2 === 0 ? "skip_existing" : "merge";
      const planned = run % 4 < 2 ? await preview(busy, bundle, mode) : undefined;
      const stop = new AbortController();
      const writers = [1, 2, 3].map((seed) => write(busy.sql, run * 10 + seed, stop.signal));
      const outcome = await importFile(busy, bundle, mode, planned && { planDigest: planned.digest }).then(
        (report) => expectAsPlanned(busy.sql, report, planned),
        (error) => error.code ?? error,
      );
      stop.abort();
      await Promise.all(writers);
      outcomes.push(outcome);
      expect(await danglingFiles(busy), `run ${run}: ${outcome}`).toEqual([]);
    }
    expect(["planned", "IMPORT_PLAN_CHANGED"]).toEqual(expect.arrayContaining([...new Set(outcomes)]));
    await importFile(busy, bundle);
    await expectQuiet(busy.sql);
  }, 1_200_000);
});

/** Writes down who inserts or updates how many rows, by transaction. */
async function watchRows(sql: Sql): Promise<void> {
  await sql.unsafe(`create table holdall_journal.watched_rows (transaction xid8, tab text, op text, key text);
    create function holdall_journal.watch_row() returns trigger language plpgsql as $$ begin
      insert into holdall_journal.watched_rows values (pg_current_xact_id(), tg_table_name, tg_op, to_jsonb(new) ->> 'id'); return null; end $$`);
  for (const table of [
    "organizations",
    "scopes",
    "scans",
    "assets",
    "vulnerabilities",
    "exposure_changes",
    "scan_jobs",
    "reports",
    "files",
    "asset_edges",
  ]) {
    await sql.unsafe(
      `create trigger watch after insert or update on ${table} for each row execute function holdall_journal.watch_row()`,
    );
  }
}

/** The import's own transaction did to every table what its report says, and the report is the plan. */
async function expectAsPlanned(sql: Sql, report: ImportReport, planned: Plan | undefined): Promise<"planned"> {
  if (planned !== undefined) expect(report.plan).toEqual(planned);
  expectConsistent(report);
  const [journal] = await sql`select xmin::text as transaction from holdall_journal.imports where id = ${report.import_id}`;
  const counts =
    await sql`select tab, op, count(distinct coalesce(key, gen_random_uuid()::text))::int as rows from holdall_journal.watched_rows r
    where transaction::xid::text = ${journal!["transaction"]}
      and not (op = 'UPDATE' and exists (select 1 from holdall_journal.watched_rows i where i.transaction = r.transaction and i.op = 'INSERT' and i.key = r.key))
    group by 1, 2`;
  const done = (table: string, op: string) => counts.find((row) => row["tab"] === table && row["op"] === op)?.["rows"] ?? 0;
  for (const { table, outcomes } of report.plan.tables) {
    expect({ table, inserted: done(table, "INSERT"), updated: done(table, "UPDATE") }).toEqual({
      table,
      inserted: outcomes.insert ?? 0,
      updated: (outcomes.update ?? 0) + (outcomes.metadata_update ?? 0),
    });
  }
  return "planned";
}

function expectConsistent({ plan, failed_blobs }: ImportReport): "planned" {
  expect(failed_blobs).toEqual([]);
  for (const table of plan.tables) {
    expect(
      Object.values(table.outcomes).reduce((sum, rows) => sum + rows, 0),
      table.table,
    ).toBe(table.rows);
  }
  return "planned";
}

/** What an application does all day, in transactions of its own. */
const writes: ((sql: Sql, n: number) => Promise<unknown>)[] = [
  (sql, n) => sql`update assets set notes = ${`written ${n}`} where id = (select id from assets order by random() limit 1)`,
  (sql) => sql`delete from assets where id = (select id from assets order by random() limit 1)`,
  (sql) => sql`delete from scans where id = (select id from scans order by random() limit 1)`,
  (sql) => sql`delete from reports where id = (select id from reports order by random() limit 1)`,
  (sql, n) => sql`insert into assets (organization_id, type, value, normalized_value)
    select id, 'domain', ${`n${n}`}, ${`n${n}`} from organizations limit 1`,
  (sql, n) => sql`insert into scopes (organization_id, kind, value, created_by)
    select o.id, 'keyword', ${`n${n}`}, u.id from organizations o, users u limit 1`,
  (sql, n) =>
    sql.begin(async (tx) => {
      await tx`update files set description = ${`written ${n}`} where id = (select id from files order by random() limit 1)`;
      await tx`update organizations set description = ${`written ${n}`}`;
    }),
];

async function write(sql: Sql, seed: number, signal: AbortSignal): Promise<void> {
  for (let n = seed * 1000; !signal.aborted; n++) {
    // Two writers may be in each other's way as well: PostgreSQL refuses one of them.
    await writes[(n * 7919) % writes.length]!(sql, n).catch((error) => {
      if (!/^(40P01|23)/.test(error.code)) throw error;
    });
    await sleep((n * 31) % 17);
  }
}

/** Rows whose object is not there. */
async function danglingFiles({ sql, store }: Instance): Promise<string[]> {
  const rows = await sql`select object_key from files`;
  const found = await Promise.all(
    rows.map(async (row) => ((await store.stat(row["object_key"])) === null ? row["object_key"] : null)),
  );
  return found.filter((key) => key !== null);
}
