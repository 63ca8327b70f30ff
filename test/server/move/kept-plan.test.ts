import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type ConflictMode,
  type ImportChoices,
  type Outcome,
  outcomes,
  type Plan,
  type PlannedRow,
} from "../../../engine/plan.ts";
import { previewImport } from "../../../server/import/import-bundle.ts";
import { PlanReader } from "../../../server/import/kept/read-plan.ts";
import { useDatabase } from "../../support/database.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  requestFor,
  stateOf,
  withBundle,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

let home: string;
let bundle: string;
let source: Instance;
let target: Instance;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 400, files: 16, orgs: 3 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
  target = await emptyInstance(db, folderStore(home, "target"));
  await importFile(target, bundle);
  const { sql } = target;
  await sql`update assets set notes = 'of the target', risk_score = 1.25 where id in (select id from assets order by id limit 40)`;
  await sql`update assets set tags = '{}', metadata = metadata || '{"api_key": "stays here"}' where id in (select id from assets order by id desc limit 3)`;
  await sql`delete from assets where id in (select id from assets where not exists
    (select 1 from assets child where child.parent_asset_id = assets.id) order by md5(id::text) limit 30)`;
  await sql`update vulnerabilities set fingerprint = 'moved away' where id = (select min(id::text)::uuid from vulnerabilities)`;
  await sql`update exposure_changes set summary = 'rewritten' where id < 5`;
  await sql`delete from scans where id in (select first_seen_scan_id from assets limit 1)`;
  await sql`delete from scopes where not is_default and organization_id = (select min(id::text)::uuid from organizations)`;
  await sql`insert into scopes (organization_id, kind, value, network, created_by)
    select organization_id, kind, value, network, created_by from json_populate_recordset(null::scopes, ${await takenScope()}::text::json)`;
}, 60_000);

/** A scope of the bundle that the target has under another id. */
async function takenScope(): Promise<string> {
  const [row] = await source.sql`select json_agg(s)::text as rows from (select organization_id, kind, value, network,
    ${target.importer.id}::uuid as created_by from scopes where not is_default
    and organization_id = (select min(id::text)::uuid from organizations) order by id limit 1) s`;
  return row!["rows"];
}

async function kept(
  instance: Instance,
  mode: ConflictMode,
  choices: Partial<ImportChoices> = {},
): Promise<{ plan: Plan; reader: PlanReader }> {
  const keepIn = join(home, randomUUID());
  const plan = await withBundle(bundle, (opened) => previewImport({ ...requestFor(instance, opened, mode), choices, keepIn }));
  return { plan, reader: await PlanReader.open(keepIn) };
}

async function allRows(reader: PlanReader, table: string, outcome?: Outcome, count = 37): Promise<PlannedRow[]> {
  const rows: PlannedRow[] = [];
  for (let total = 1; rows.length < total; ) {
    const page = await reader.page({ table, from: rows.length, count, ...(outcome && { outcome }) });
    expect(page).toMatchObject({ table, from: rows.length, outcome: outcome ?? null });
    total = page.total;
    rows.push(...page.rows);
  }
  return rows;
}

const modes: ConflictMode[] = ["skip_existing", "merge", "overwrite_metadata_only"];

describe.each(modes)("the kept rows of a plan, %s", (mode) => {
  let plan: Plan;
  let reader: PlanReader;

  beforeAll(async () => {
    const before = await stateOf(target);
    ({ plan, reader } = await kept(target, mode));
    expect(await stateOf(target)).toEqual(before);
    expect(reader.plan).toEqual(plan);
  });

  test("every row has one outcome, and there are as many of each as the plan counts", async () => {
    for (const table of plan.tables) {
      const rows = await allRows(reader, table.table);
      expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: table.rows }, (_, i) => i + 1));
      for (const outcome of outcomes) {
        const listed = await allRows(reader, table.table, outcome);
        expect(listed.length, `${table.table} ${outcome}`).toBe(table.outcomes[outcome] ?? 0);
        expect(listed).toEqual(rows.filter((row) => row.outcome === outcome));
      }
    }
  });

  test("a page is the same wherever it begins", async () => {
    const all = await allRows(reader, "assets", undefined, 1000);
    for (const from of [0, 1, 63, 64, 65, 128, 200, all.length - 1]) {
      const { rows } = await reader.page({ table: "assets", from, count: 5 });
      expect(rows).toEqual(all.slice(from, from + 5));
    }
    expect((await reader.page({ table: "assets", from: all.length, count: 5 })).rows).toEqual([]);
  });

  test("samples and rows say the same", async () => {
    for (const { table, samples } of plan.tables) {
      for (const sample of samples) {
        const [row] = (await reader.page({ table, from: sample.row - 1, count: 1 })).rows;
        expect(row).toMatchObject(sample);
      }
    }
  });

  test("keys are those of the bundle", async () => {
    const keys = (await source.sql`select id from assets order by id`).map(({ id }) => [id]);
    expect((await allRows(reader, "assets")).map(({ key }) => key)).toEqual(keys);
    const edges = await source.sql`select source_asset_id as a, target_asset_id as b, relation from asset_edges order by 1, 2, 3`;
    expect((await allRows(reader, "asset_edges")).map(({ key }) => key)).toEqual(
      edges.map(({ a, b, relation }) => [a, b, relation]),
    );
    const numbers = (await source.sql`select id from exposure_changes order by id`).map(({ id }) => [String(id)]);
    expect((await allRows(reader, "exposure_changes")).map(({ key }) => key)).toEqual(numbers);
  });

  test("old and new values of every change are those of the two databases", async () => {
    const rows = (await allRows(reader, "assets")).filter(({ changes }) => changes !== undefined);
    expect(rows.length).toBeGreaterThan(30);
    for (const { key, changes, outcome, columns } of rows) {
      if (outcome !== "keep") expect(changes!.map(({ column }) => column)).toEqual(columns);
      for (const { column, old, new: next } of changes!) {
        const of = async ({ sql }: Instance) =>
          (await sql.unsafe(`select "${column}"::text as v from assets where id = $1`, [key[0]!]))[0]!["v"];
        if (column !== "metadata")
          expect({ key, column, old, new: next }).toEqual({ key, column, old: await of(target), new: await of(source) });
      }
    }
  });

  test("what the scope keeps back is not shown", async () => {
    const rows = await allRows(reader, "assets");
    expect(JSON.stringify(rows)).not.toContain("stays here");
  });
});

test("conflicts, missing parents and cleared references name what is in the way", async () => {
  const { plan, reader } = await kept(target, "skip_existing", { match_natural_keys: false });
  const [conflict] = await allRows(reader, "scopes", "conflict_unique");
  expect(conflict).toMatchObject({ constraint: "scopes_organization_id_kind_value_key", holder: expect.any(String) });
  const page = await reader.page({ table: "assets", outcome: "reference_cleared", from: 0, count: 100 });
  expect(page.total).toBe(0);
  expect(plan.tables.find(({ table }) => table === "users")).toBeUndefined();
  expect((await allRows(reader, "organization_members")).every(({ outcome }) => outcome === "not_imported")).toBe(true);
});

test("a bundle without scans: the rows that lose a reference are listed with it", async () => {
  const path = await exportFile(source, join(home, "no-scans.zip"), { options: { include_scan_history: false } });
  const empty = await emptyInstance(db, folderStore(home, "no-scans"));
  const keepIn = join(home, randomUUID());
  const plan = await withBundle(path, (opened) => previewImport({ ...requestFor(empty, opened, "merge"), keepIn }));
  const reader = await PlanReader.open(keepIn);
  const cleared = plan.tables.find(({ table }) => table === "assets")!.reference_cleared;
  const page = await reader.page({ table: "assets", outcome: "reference_cleared", from: 3, count: 1000 });
  expect(page.total).toBeGreaterThan(0);
  const all = (await reader.page({ table: "assets", outcome: "reference_cleared", from: 0, count: 1000 })).rows;
  expect(page.rows).toEqual(all.slice(3));
  for (const column of Object.keys(cleared)) {
    expect(all.filter((row) => row.reference_cleared!.includes(column))).toHaveLength(cleared[column]!);
  }
  expect(all.every(({ outcome }) => outcome === "insert")).toBe(true);
});

test("an empty target: every row is listed as new, with who makes it", async () => {
  const empty = await emptyInstance(db, folderStore(home, "empty"));
  const { plan, reader } = await kept(empty, "skip_existing");
  const scans = await allRows(reader, "scans", "insert");
  expect(scans).toHaveLength(plan.tables.find(({ table }) => table === "scans")!.rows);
  expect(scans.every(({ reassigned }) => reassigned?.join() === "created_by")).toBe(true);
  const { total } = await reader.page({ table: "scans", outcome: "reassigned", from: 0, count: 1 });
  expect(total).toBe(scans.length);
});
