import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { ImportReport, Plan } from "../../../engine/plan.ts";
import { useDatabase } from "../../support/database.ts";
import { orphans } from "../../support/import-phases.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  preview,
  tableTexts,
} from "../../support/instances.ts";
import { type SqlTap, useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

/** An empty target is filled straight from the bundle; what does not fit that way goes the other, with the same end. */

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();
const direct = /^copy "public"\."(\w+)"/;
const staged = /^copy pg_temp\./;

let folder: string;
let source: Instance;
let bundle: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  source = await demoInstance(db, folderStore(folder, "source"), { assets: 400, files: 8, orgs: 2 });
  bundle = await exportFile(source, join(folder, "bundle.zip"));
});

let targets = 0;

async function tapped(): Promise<{ target: Instance; tap: SqlTap; through: Instance; close: () => Promise<void> }> {
  const target = await emptyInstance(db, folderStore(folder, `target-${targets++}`));
  const tap = await tapOf(target.url);
  const { connect } = await import("../../../server/database/connect.ts");
  const { sql, close } = await connect(tap.url);
  return { target, tap, through: { ...target, sql }, close };
}

const copied = (tap: SqlTap) => tap.statements.flatMap((statement) => direct.exec(statement)?.[1] ?? []);
const tablesOf = ({ tables }: Plan) =>
  tables.map(({ table, outcomes, reference_cleared }) => ({ table, outcomes, reference_cleared }));
const local = (_: string, column: string) => ["created_by", "assigned_to", "actor_id"].includes(column);

/** Imports over a tap, and holds the report against the preview's plan of the same target. */
async function compare(path: string, prepare: (target: Instance) => Promise<unknown> = async () => {}) {
  const { target, tap, through, close } = await tapped();
  await prepare(target);
  const plan = await preview(target, path);
  const from = tap.statements.length;
  const report: ImportReport = await importFile(through, path, "skip_existing", { planDigest: plan.digest });
  await close();
  expect(tablesOf(report.plan)).toEqual(tablesOf(plan));
  expect(report.plan).toEqual(plan);
  const statements = tap.statements.slice(from);
  return { target, report, statements, direct: copied(tap), again: statements.some((text) => text === "discard temp") };
}

describe("an empty target", () => {
  test("gets its plain tables straight from the bundle, and the plan and the rows are those of the staged way", async () => {
    const { target, direct, statements, again } = await compare(bundle);
    expect(direct).toEqual(["organizations", "scopes", "assets", "asset_edges", "vulnerabilities", "exposure_changes"]);
    expect(again).toBe(false);
    // What is rewritten on its way in, owns objects or closes a circle is staged.
    expect(statements.filter((text) => staged.test(text))).toHaveLength(4);
    const leaveOut = (table: string, column: string) =>
      table === "organization_members" || table === "users" || local(table, column);
    const [found, expected] = [await tableTexts(target.sql, leaveOut), await tableTexts(source.sql, leaveOut)];
    for (const table of direct) expect(found[table], table).toHaveLength(expected[table]!.length);
    const [row] =
      await target.sql`select count(distinct created_by)::int as makers, min(created_by::text) as maker from organizations`;
    expect(row).toEqual({ makers: 1, maker: target.importer.id });
  });

  test("with one row in one table is staged", async () => {
    const { direct } = await compare(
      bundle,
      ({ sql, importer }) =>
        sql`insert into organizations (slug, name, created_by) values ('here-before', 'Here before', ${importer.id})`,
    );
    expect(direct).toEqual([]);
  });

  test("that rules rewrite, or row security guards, takes those tables by staging", async () => {
    const { direct, again } = await compare(bundle, async ({ sql }) => {
      await sql.unsafe("create rule seen as on insert to scopes do also select 1");
      await sql.unsafe("alter table assets enable row level security; alter table assets force row level security");
      // The tests' user is a superuser, whom no row security holds.
      await sql.unsafe("create rule noticed as on insert to assets do also select 1");
    });
    expect(direct).toEqual(["organizations", "asset_edges", "vulnerabilities", "exposure_changes"]);
    expect(again).toBe(false);
  });
});

describe("what does not lead through straight away goes the other way, and says the same as the plan", () => {
  const narrowed =
    (statement: string) =>
    async ({ sql }: Instance) =>
      void (await sql.unsafe(statement));

  test("a unique key that two rows of the bundle share, found after many rows", async () => {
    const { report, again } = await compare(
      bundle,
      narrowed("create unique index one_each on assets ((metadata ->> 'none'), (right(id::text, 1)))  nulls not distinct"),
    );
    expect(again).toBe(true);
    const assets = report.plan.tables.find(({ table }) => table === "assets")!;
    expect(assets.outcomes.conflict_unique).toBeGreaterThan(300);
    expect(assets.outcomes.insert).toBeLessThanOrEqual(16);
  });

  test("a row that loses its parents there: the objects of those that do not enter are gone again", async () => {
    const { target, report, again } = await compare(
      bundle,
      narrowed("create unique index only_one on organizations ((name is not null))"),
    );
    expect(again).toBe(true);
    const files = report.plan.tables.find(({ table }) => table === "files")!.outcomes;
    expect(files.missing_parent).toBeGreaterThan(0);
    expect(await orphans(target)).toEqual([]);
    expect(await target.sql`select 1 from holdall_journal.import_aftermath`).toEqual([]);
  });

  test.each(["exposure_changes", "scan_jobs"])("a trigger that turns rows of %s away: refused as it ever was", async (table) => {
    const { target, through, close } = await tapped();
    await target.sql.unsafe(`create function skip() returns trigger language plpgsql as
      'begin if right(new.id::text, 1) = ''0'' then return null; end if; return new; end';
      create trigger skip before insert on ${table} for each row execute function skip()`);
    await expect(importFile(through, bundle)).rejects.toMatchObject({ code: "IMPORT_PLAN_CHANGED" });
    await close();
    expect(await target.sql`select 1 from organizations`).toEqual([]);
  });
});
