import { createHash } from "node:crypto";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { useDatabase } from "../../support/database.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importedInstances,
  importFile,
  type preview,
  stateOf,
  tableTexts,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
let folder: string;
let source: Instance;
let target: Instance;
let bundle: string;
let imported: () => Promise<Instance>;

beforeAll(async () => {
  folder = await temporaryFolder();
  source = await demoInstance(db, folderStore(folder, "source"));
  bundle = await exportFile(source, join(folder, "bundle.zip"));
  imported = importedInstances(db, folder, bundle);
});

beforeEach(async () => {
  target = await imported();
});

const rowsOf = async (sql: Instance["sql"], query: string) => (await sql.unsafe(query)).map((row) => ({ ...row }));

describe("skip_existing", () => {
  test("a second time changes nothing", async () => {
    const before = await stateOf(target);
    const report = await importFile(target, bundle, "skip_existing");
    expect(await stateOf(target)).toEqual(before);
    for (const table of report.plan.tables) {
      const { identical = 0, not_imported = 0 } = table.outcomes;
      expect(identical + not_imported, table.table).toBe(table.rows);
    }
    expect(report.plan.blobs.write).toBe(0);
  });

  test("leaves an existing row as it is and brings back a deleted one", async () => {
    await target.sql`update organizations set name = 'Renamed here' where id = (select min(id::text)::uuid from organizations)`;
    const [gone] =
      await target.sql`delete from vulnerabilities where id = (select min(id::text)::uuid from vulnerabilities) returning id`;
    const report = await importFile(target, bundle, "skip_existing");
    const outcomes = Object.fromEntries(report.plan.tables.map((table) => [table.table, table.outcomes]));
    expect(outcomes["organizations"]).toEqual({ identical: 2, keep: 1 });
    expect(outcomes["vulnerabilities"]?.insert).toBe(1);
    expect(await target.sql`select 1 from organizations where name = 'Renamed here'`).toHaveLength(1);
    expect(await target.sql`select 1 from vulnerabilities where id = ${gone!["id"]}`).toHaveLength(1);
  });
});

describe("merge", () => {
  test("brings changed rows back and nothing else", async () => {
    const before = await tableTexts(target.sql);
    await target.sql`update assets set notes = 'changed here', risk_score = 1.50 where ctid in (select ctid from assets limit 7)`;
    await target.sql`update scans set name = name || '!' where ctid in (select ctid from scans limit 2)`;
    const [own] =
      await target.sql`insert into organizations (slug, name, created_by) select 'own', 'Own', id from users returning id`;
    const report = await importFile(target, bundle, "merge");
    const outcomes = Object.fromEntries(report.plan.tables.map((table) => [table.table, table.outcomes]));
    expect(outcomes["assets"]).toEqual({ identical: 293, update: 7 });
    expect(outcomes["scans"]?.update).toBe(2);
    const updated = report.plan.tables.find((table) => table.table === "assets")!.samples[0]!;
    expect(updated.columns?.sort()).toEqual(["notes", "risk_score"]);
    await target.sql`delete from organizations where id = ${own!["id"]}`;
    expect(await tableTexts(target.sql)).toEqual(before);
  });

  test("of an instance's own bundle changes nothing: what the scope keeps back is no difference", async () => {
    await source.sql`update scans set state = 'running', finished_at = null where id = (select min(id::text)::uuid from scans)`;
    const before = await stateOf(source);
    const path = await exportFile(source, join(folder, "own.zip"));
    for (const mode of ["merge", "overwrite_metadata_only"] as const) {
      const report = await importFile(source, path, mode);
      for (const { table, rows, outcomes } of report.plan.tables) {
        expect((outcomes.identical ?? 0) + (outcomes.not_imported ?? 0), table).toBe(rows);
      }
      expect(await stateOf(source)).toEqual(before);
    }
  });

  test("never moves a row to another organization", async () => {
    const [other] =
      await target.sql`insert into organizations (slug, name, created_by) select 'other', 'Other', id from users returning id`;
    const [moved] = await target.sql`update scopes set organization_id = ${other!["id"]}, description = 'here', is_default = false
      where id = (select min(id::text)::uuid from scopes) returning id`;
    const report = await importFile(target, bundle, "merge");
    expect(report.plan.tables.find((table) => table.table === "scopes")?.outcomes.other_tenant).toBe(1);
    expect(report.skipped).toContainEqual(
      expect.objectContaining({ table: "scopes", outcome: "other_tenant", key: [moved!["id"]] }),
    );
    expect(await rowsOf(target.sql, `select organization_id, description from scopes where id = '${moved!["id"]}'`)).toEqual([
      { organization_id: other!["id"], description: "here" },
    ]);
  });

  test("never touches append-only tables or who made a row", async () => {
    await target.sql`update exposure_changes set summary = 'history rewritten' where id = (select min(id) from exposure_changes)`;
    const [second] =
      await target.sql`insert into users (email, display_name, password_hash) values ('second@x.example', 'S', '-') returning id`;
    await target.sql`update organizations set created_by = ${second!["id"]}`;
    await target.sql`update vulnerabilities set assigned_to = ${second!["id"]}`;
    const before = await tableTexts(target.sql);
    const report = await importFile(target, bundle, "merge");
    expect(report.plan.tables.find((table) => table.table === "exposure_changes")?.outcomes.append_only).toBe(1);
    expect(await tableTexts(target.sql)).toEqual(before);
  });

  test("writes changed content under another key; the object before goes after the commit, and not before", async () => {
    const [file] =
      await target.sql`select id, object_key, size_bytes, sha256 from files where size_bytes > 100 order by id limit 1`;
    const { id, object_key: key } = file!;
    await target.store.remove(key);
    const sha256 = await createObject(target, key, "changed here");
    await target.sql`update files set size_bytes = 12, sha256 = ${sha256} where id = ${id}`;
    await target.sql.unsafe(`create function refuse() returns trigger language plpgsql as 'begin raise check_violation; end';
      create trigger refuse before update on files for each row execute function refuse()`);
    await expect(importFile(target, bundle, "merge")).rejects.toMatchObject({ code: "IMPORT_CONFLICT" });
    expect((await target.store.stat(key))?.size).toBe(12);
    await target.sql.unsafe("drop trigger refuse on files");
    const report = await importFile(target, bundle, "merge");
    expect(report.plan.blobs).toMatchObject({ write: 1, rekeyed: 1 });
    const [after] = await target.sql`select object_key, size_bytes, sha256 from files where id = ${id}`;
    expect(after).toMatchObject({ size_bytes: file!["size_bytes"], sha256: file!["sha256"] });
    expect((await target.store.stat(after!["object_key"]))?.size).toBe(Number(file!["size_bytes"]));
    expect(await target.store.stat(key)).toBeNull();
    const again = await importFile(target, bundle, "merge");
    expect(again.plan.tables.find((table) => table.table === "files")?.outcomes).toEqual({ identical: 24 });
  });
});

async function createObject(instance: Instance, key: string, text: string): Promise<string> {
  const body = new TextEncoder().encode(text);
  const sha256 = createHash("sha256").update(body).digest("hex");
  async function* pieces() {
    yield body;
  }
  expect(await instance.store.create(key, pieces(), { size: body.length, sha256 })).toBe("created");
  return sha256;
}

describe("overwrite_metadata_only", () => {
  test("touches only metadata", async () => {
    const before = await tableTexts(target.sql);
    await target.sql`update assets set notes = 'changed here' where ctid in (select ctid from assets limit 5)`;
    await importFile(target, bundle, "overwrite_metadata_only");
    expect(await tableTexts(target.sql)).toEqual(before);

    await target.sql`update assets set risk_score = 99.99, value = value || '.here', notes = 'again' where ctid in (select ctid from assets limit 5)`;
    const values = await rowsOf(target.sql, "select id, value, risk_score from assets order by id");
    const report = await importFile(target, bundle, "overwrite_metadata_only");
    expect(report.plan.tables.find((table) => table.table === "assets")?.outcomes).toEqual({
      identical: 295,
      metadata_update: 5,
    });
    expect(await rowsOf(target.sql, "select id, value, risk_score from assets order by id")).toEqual(values);
    expect(await target.sql`select 1 from assets where notes = 'again'`).toHaveLength(0);
  });

  test("keeps rows that differ elsewhere, and says so", async () => {
    await target.sql`update reports set language = 'xx'`;
    const before = await tableTexts(target.sql);
    const report = await importFile(target, bundle, "overwrite_metadata_only");
    const reports = report.plan.tables.find((table) => table.table === "reports")!;
    expect(reports.outcomes).toEqual({ keep: reports.rows });
    expect(await tableTexts(target.sql)).toEqual(before);
  });
});

describe("conflicts", () => {
  test("a row whose unique value another row holds is skipped with the holder, and its children with their reason", async () => {
    const fresh = await emptyInstance(db, folderStore(await temporaryFolder(), "fresh"));
    const [taken] = await source.sql`select id, slug from organizations order by id limit 1`;
    const [holder] =
      await fresh.sql`insert into organizations (slug, name, created_by) select ${taken!["slug"]}, 'Mine', id from users returning id`;
    const before = await rowsOf(fresh.sql, "select * from organizations");
    const report = await importFile(fresh, bundle, "merge", { choices: { match_natural_keys: false } });
    expect(report.skipped).toContainEqual({
      table: "organizations",
      outcome: "conflict_unique",
      row: expect.any(Number),
      key: [taken!["id"]],
      constraint: "organizations_slug_key",
      holder: holder!["id"],
    });
    const assets = report.plan.tables.find((table) => table.table === "assets")!;
    const [missing] = await source.sql`select count(*)::int as n from assets where organization_id = ${taken!["id"]}`;
    expect(assets.outcomes.missing_parent).toBe(missing!["n"]);
    expect(await rowsOf(fresh.sql, `select * from organizations where id = '${holder!["id"]}'`)).toEqual(before);
    await countsHold(fresh, report.plan.tables);
  });

  test("a key that a live object of another row holds gets another key", async () => {
    const fresh = await emptyInstance(db, folderStore(await temporaryFolder(), "fresh"));
    const [file] = await source.sql`select id, object_key, sha256 from files where size_bytes > 100 order by id limit 1`;
    await createObject(fresh, file!["object_key"], "mine");
    const report = await importFile(fresh, bundle);
    expect(report.plan.blobs.rekeyed).toBe(1);
    const [arrived] = await fresh.sql`select object_key from files where id = ${file!["id"]}`;
    expect(arrived!["object_key"]).not.toBe(file!["object_key"]);
    expect((await fresh.store.stat(file!["object_key"]))?.size).toBe(4);
    await countsHold(fresh, report.plan.tables);
  });
});

/** The counts of a report are what the database shows. */
async function countsHold(instance: Instance, tables: Awaited<ReturnType<typeof preview>>["tables"]): Promise<void> {
  for (const { table, outcomes } of tables) {
    if (table === "organizations" || outcomes.insert === undefined) continue;
    const [row] = await instance.sql.unsafe(`select count(*)::int as rows from ${table}`);
    expect(row!["rows"], table).toBe(outcomes.insert);
  }
}

describe("options", () => {
  test("without scan history, references to scans arrive empty and are counted", async () => {
    const fresh = await emptyInstance(db, folderStore(await temporaryFolder(), "fresh"));
    const path = await exportFile(source, join(folder, "no-scans.zip"), { options: { include_scan_history: false } });
    const report = await importFile(fresh, path);
    const assets = report.plan.tables.find((table) => table.table === "assets")!;
    const [expected] =
      await source.sql`select count(first_seen_scan_id)::int as first, count(last_seen_scan_id)::int as last from assets`;
    expect(assets.reference_cleared).toEqual({ first_seen_scan_id: expected!["first"], last_seen_scan_id: expected!["last"] });
    expect(assets.outcomes).toEqual({ insert: 300 });
    expect(await fresh.sql`select 1 from scans`).toHaveLength(0);
    expect(await fresh.sql`select 1 from files`).toHaveLength(24);
  });

  test("without files, no row arrives that points at an object that is not there", async () => {
    const fresh = await emptyInstance(db, folderStore(await temporaryFolder(), "fresh"));
    const path = await exportFile(source, join(folder, "no-files.zip"), { options: { include_files: false } });
    const report = await importFile(fresh, path);
    expect(report.plan.tables.find((table) => table.table === "files")?.outcomes).toEqual({ blob_missing: 24 });
    expect(await fresh.sql`select 1 from files`).toHaveLength(0);
    expect(await fresh.sql`select 1 from reports where file_id is not null`).toHaveLength(0);
    const again = await importFile(target, path, "merge");
    expect(again.plan.tables.find((table) => table.table === "files")?.outcomes).toEqual({ identical: 24 });
  });

  test("users are exported when asked, without a secret, and never created", async () => {
    const path = await exportFile(source, join(folder, "users.zip"), { options: { include_users: true } });
    const fresh = await emptyInstance(db, folderStore(await temporaryFolder(), "fresh"));
    const report = await importFile(fresh, path);
    expect(report.plan.tables.find((table) => table.table === "users")?.outcomes.not_imported).toBeGreaterThan(3);
    expect(await fresh.sql`select 1 from users`).toHaveLength(1);
  });
});
