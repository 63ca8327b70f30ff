import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Outcome, Plan, TablePlan } from "../../../engine/plan.ts";
import { previewImport } from "../../../server/import/import-bundle.ts";
import { PlanReader } from "../../../server/import/kept/read-plan.ts";
import { useDatabase } from "../../support/database.ts";
import { codeOf, expectQuiet, expectUntouched, orphans } from "../../support/import-phases.ts";
import {
  demoInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  preview,
  requestFor,
  stateOf,
  withBundle,
} from "../../support/instances.ts";
import { ownInstance } from "../../support/own-instance.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

let home: string;
let bundle: string;
let source: Instance;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 200, files: 16, orgs: 2 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
});

function tableOf(plan: Plan, name: string): TablePlan {
  return plan.tables.find(({ table }) => table === name)!;
}

const skipped: Outcome[] = ["conflict_unique", "other_tenant", "missing_parent", "blob_missing"];

describe("a target that has the same things under other ids", () => {
  let target: Instance;
  let plan: Plan;
  let ids: Map<string, string>;

  beforeAll(async () => {
    target = await ownInstance(db, folderStore(home, "own"), source);
    const before = await stateOf(target);
    plan = await preview(target, bundle, "merge");
    await expectUntouched(target, before);
    ids = new Map((await target.sql`select slug, id from organizations`).map(({ slug, id }) => [slug, id]));
    const report = await importFile(target, bundle, "merge", { planDigest: plan.digest });
    expect(report.plan).toEqual(plan);
  });

  test("no row is skipped, and what is the same is counted as matched", () => {
    for (const table of plan.tables) for (const outcome of skipped) expect(table.outcomes[outcome] ?? 0, table.table).toBe(0);
    expect(tableOf(plan, "organizations")).toMatchObject({ matched: 2, outcomes: { update: 2 } });
    expect(tableOf(plan, "assets")).toMatchObject({ matched: 5, outcomes: { insert: 195, update: 5 } });
    expect(tableOf(plan, "organizations").samples[0]).toMatchObject({
      key: [expect.any(String)],
      target_key: [expect.any(String)],
    });
  });

  test("organizations keep their ids, and everything below comes to them", async () => {
    const after = new Map((await target.sql`select slug, id from organizations`).map(({ slug, id }) => [slug, id]));
    expect(after).toEqual(ids);
    for (const table of ["scopes", "scans", "assets", "vulnerabilities", "scan_jobs", "reports", "files", "asset_edges"]) {
      const counts = ({ sql }: Instance) =>
        sql.unsafe(
          `select o.slug, count(*)::int as rows from ${table} join organizations o on o.id = organization_id group by 1 order by 1`,
        );
      expect([...(await counts(target))], table).toEqual([...(await counts(source))]);
    }
  });

  test("references lead to the matched rows", async () => {
    const children = ({ sql }: Instance) => sql`select p.normalized_value as parent, c.normalized_value as child, p.type
      from assets c join assets p on p.id = c.parent_asset_id order by 3, 1, 2`;
    expect([...(await children(target))]).toEqual([...(await children(source))]);
    const edges = ({ sql }: Instance) => sql`select a.normalized_value as a, b.normalized_value as b, relation from asset_edges
      join assets a on a.id = source_asset_id join assets b on b.id = target_asset_id order by 1, 2, 3`;
    expect([...(await edges(target))]).toEqual([...(await edges(source))]);
    const documents = ({ sql }: Instance) =>
      sql`select r.title, f.original_name from reports r join files f on f.id = r.file_id order by 1, 2`;
    expect([...(await documents(target))]).toEqual([...(await documents(source))]);
  });

  test("object keys name the target's organization, and the objects are there", async () => {
    const rows = await target.sql`select object_key, organization_id from files`;
    for (const { object_key, organization_id } of rows) {
      expect(object_key).toContain(`organizations/${organization_id}/`);
      expect(await target.store.stat(object_key)).not.toBeNull();
    }
    expect(await orphans(target)).toEqual([]);
  });

  test("history keeps what was there and brings what is new, under numbers of its own", async () => {
    expect(tableOf(plan, "exposure_changes")).toMatchObject({ renumbered: 6, outcomes: { insert: expect.any(Number) } });
    const [own] = await target.sql`select count(*)::int as rows from exposure_changes where summary like 'ours %' and id <= 6`;
    expect(own).toEqual({ rows: 6 });
    const events = ({ sql }: Instance) => sql`select event_id, kind, summary, occurred_at from exposure_changes
      where summary is null or summary not like 'ours %' order by 1`;
    expect([...(await events(target))]).toEqual([...(await events(source))]);
    await target.sql`insert into exposure_changes (organization_id, kind) select id, 'changed' from organizations limit 1`;
    await target.sql`delete from exposure_changes where id = (select max(id) from exposure_changes)`;
  });

  test("once more, everything is the same", async () => {
    const before = await stateOf(target);
    const again = await importFile(target, bundle, "merge");
    for (const { table, rows, outcomes } of again.plan.tables) {
      if (table !== "organization_members") expect(outcomes, table).toEqual(rows === 0 ? {} : { identical: rows });
    }
    expect(tableOf(again.plan, "exposure_changes")).toMatchObject({ matched: 6, renumbered: 0 });
    expect(await stateOf(target)).toEqual(before);
    await expectQuiet(target.sql);
  });
});

test("kept rows show both keys, and which rows get a new number", async () => {
  const target = await ownInstance(db, folderStore(home, "kept"), source);
  const keepIn = join(home, randomUUID());
  await withBundle(bundle, (opened) => previewImport({ ...requestFor(target, opened, "skip_existing"), keepIn }));
  const reader = await PlanReader.open(keepIn);
  const { total, rows } = await reader.page({ table: "assets", outcome: "matched", from: 0, count: 10 });
  expect(total).toBe(5);
  for (const row of rows) {
    expect(row.outcome).toBe("keep");
    const [there] = await target.sql`select notes from assets where id = ${row.target_key![0]!}`;
    expect(there).toEqual({ notes: "ours" });
    expect(await source.sql`select 1 from assets where id = ${row.key[0]!}`).toHaveLength(1);
    expect(row.changes).toEqual(expect.arrayContaining([expect.objectContaining({ column: "notes", old: "ours" })]));
  }
  const numbered = await reader.page({ table: "exposure_changes", outcome: "renumbered", from: 0, count: 10 });
  expect(numbered.rows.map(({ row, renumbered, outcome }) => ({ row, renumbered, outcome }))).toEqual(
    [1, 2, 3, 4, 5, 6].map((row) => ({ row, renumbered: true, outcome: "insert" })),
  );
});

test("switched off, rows are found by their primary key alone", async () => {
  const target = await ownInstance(db, folderStore(home, "off"), source);
  const choices = { match_natural_keys: false };
  const plan = await withBundle(bundle, (opened) => previewImport({ ...requestFor(target, opened, "merge"), choices }));
  expect(plan.choices.match_natural_keys).toBe(false);
  expect(tableOf(plan, "organizations")).toMatchObject({ matched: 0, outcomes: { conflict_unique: 2 } });
  expect(tableOf(plan, "assets").outcomes).toEqual({ missing_parent: 200 });
  const before = await stateOf(target);
  expect(await codeOf(importFile(target, bundle, "merge", { planDigest: plan.digest }))).toBe("IMPORT_PLAN_CHANGED");
  await expectUntouched(target, before);
});

test("a match that comes to nothing, and a new one, are other plans", async () => {
  const target = await ownInstance(db, folderStore(home, "moved"), source);
  const changes = [
    "update assets set normalized_value = normalized_value || '.moved' where id = (select min(id::text)::uuid from assets)",
    "update organizations set slug = slug || '-moved' where slug = (select min(slug) from organizations)",
    `insert into scopes (organization_id, kind, value, created_by) select o.id, 'keyword', 'new', u.id from organizations o, users u limit 1`,
  ];
  for (const [i, change] of changes.entries()) {
    const { digest } = await preview(target, bundle, "skip_existing");
    await target.sql.unsafe(change);
    const changed = await stateOf(target);
    if (i === 2) expect((await preview(target, bundle, "skip_existing")).digest).toBe(digest);
    else {
      expect(await codeOf(importFile(target, bundle, "skip_existing", { planDigest: digest }))).toBe("IMPORT_PLAN_CHANGED");
      await expectUntouched(target, changed);
    }
  }
});

test("numbers that the application draws between preview and import do not change the plan", async () => {
  const target = await ownInstance(db, folderStore(home, "drawn"), source);
  const plan = await preview(target, bundle, "skip_existing");
  await target.sql`insert into exposure_changes (organization_id, kind) select id, 'appeared' from organizations`;
  await target.sql`delete from exposure_changes where id = 8`;
  const report = await importFile(target, bundle, "skip_existing", {
    planDigest: (await preview(target, bundle, "skip_existing")).digest,
  });
  expect(tableOf(report.plan, "exposure_changes").renumbered).toBe(tableOf(plan, "exposure_changes").renumbered + 1);
  const [found] = await target.sql`select count(*)::int as rows from exposure_changes`;
  expect(found).toEqual({ rows: tableOf(plan, "exposure_changes").rows + 7 });
});
