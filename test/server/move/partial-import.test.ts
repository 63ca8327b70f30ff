import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { ImportChoices, Plan } from "../../../engine/plan.ts";
import { previewImport } from "../../../server/import/import-bundle.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { codeOf, failureOf, orphans } from "../../support/import-phases.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  requestFor,
  withBundle,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const tenantTables = Object.entries(easm.tables).flatMap(([table, { tenant }]) =>
  tenant === undefined || table === "organization_members" ? [] : [table],
);

let home: string;
let bundle: string;
let source: Instance;
let organizations: { id: string; slug: string }[];

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 150, files: 12, orgs: 3 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
  organizations = [...(await source.sql<{ id: string; slug: string }[]>`select id, slug from organizations order by id`)];
});

const previewOf = (target: Instance, choices: Partial<ImportChoices>): Promise<Plan> =>
  withBundle(bundle, (opened) => previewImport({ ...requestFor(target, opened, "merge"), choices }));

const countOf = async ({ sql }: Instance, table: string, where = "true") =>
  (await sql.unsafe(`select count(*)::int as n from ${table} where ${where}`))[0]!["n"] as number;

describe("--org", () => {
  test.each(["id", "slug"] as const)("by %s: everything of that organization and nothing of the others", async (by) => {
    const target = await emptyInstance(db, folderStore(home, `one-${by}`));
    const [wanted] = organizations;
    const choices = { tenants: [wanted![by]] };
    const plan = await previewOf(target, choices);
    expect(plan.choices.tenants).toEqual([wanted!.id]);
    const report = await importFile(target, bundle, "merge", { planDigest: plan.digest, choices });
    expect(report.plan).toEqual(plan);
    expect((await target.sql`select id from organizations`).map(({ id }) => id)).toEqual([wanted!.id]);
    for (const table of tenantTables) {
      const theirs = await countOf(source, table, `organization_id = '${wanted!.id}'`);
      expect(await countOf(target, table), table).toBe(theirs);
      const { rows, outcomes, reason } = plan.tables.find((found) => found.table === table)!;
      expect({ table, ...outcomes }).toEqual({
        table,
        ...(theirs > 0 && { insert: theirs }),
        ...(rows > theirs && { not_imported: rows - theirs }),
      });
      expect(reason).toBe("the row is of an organization that was not asked for");
    }
    expect(await orphans(target)).toEqual([]);
    let objects = 0;
    for await (const _ of target.store.list()) objects++;
    expect(objects).toBe(await countOf(source, "files", `organization_id = '${wanted!.id}'`));
  });

  test("several, one after the other, come to the same as all at once", async () => {
    const target = await emptyInstance(db, folderStore(home, "several"));
    await importFile(target, bundle, "merge", { choices: { tenants: [organizations[1]!.slug] } });
    await importFile(target, bundle, "merge", { choices: { tenants: [organizations[0]!.slug, organizations[2]!.id] } });
    for (const table of ["organizations", ...tenantTables])
      expect(await countOf(target, table), table).toBe(await countOf(source, table));
    const { tables } = await previewOf(target, {});
    for (const { table, rows, outcomes } of tables)
      if (table !== "organization_members") expect(outcomes, table).toEqual({ identical: rows });
  });

  test("an organization that the target has under another id", async () => {
    const target = await emptyInstance(db, folderStore(home, "matched"));
    const [own] =
      await target.sql`insert into organizations (slug, name, created_by) values (${organizations[0]!.slug}, 'ours', ${target.importer.id}) returning id`;
    await importFile(target, bundle, "skip_existing", { choices: { tenants: [organizations[0]!.slug] } });
    expect(await countOf(target, "assets", `organization_id = '${own!["id"]}'`)).toBe(
      await countOf(source, "assets", `organization_id = '${organizations[0]!.id}'`),
    );
    expect(await countOf(target, "organizations")).toBe(1);
  });

  test("one that is nowhere is refused", async () => {
    const target = await emptyInstance(db, folderStore(home, "nowhere"));
    expect(await failureOf(previewOf(target, { tenants: ["it's", organizations[0]!.slug] }))).toMatchObject({
      code: "REQUEST_INVALID",
      message: expect.stringContaining("no organization it's; name it by its id or slug"),
    });
  });
});

describe("--tables", () => {
  test("only those enter; what they need must be there", async () => {
    const target = await emptyInstance(db, folderStore(home, "tables"));
    const some = await previewOf(target, { tables: ["assets"] });
    expect(some.tables.find(({ table }) => table === "assets")!.outcomes).toEqual({ missing_parent: 150 });
    const choices = { tables: ["organizations", "scopes"] };
    const plan = await previewOf(target, choices);
    expect(plan.tables.find(({ table }) => table === "assets")).toMatchObject({
      outcomes: { not_imported: 150 },
      reason: "the table was not asked for",
    });
    await importFile(target, bundle, "skip_existing", { choices });
    expect([await countOf(target, "organizations"), await countOf(target, "scopes"), await countOf(target, "assets")]).toEqual([
      3,
      await countOf(source, "scopes"),
      0,
    ]);
    await importFile(target, bundle, "skip_existing", { choices: { tables: ["assets"], tenants: [organizations[0]!.slug] } });
    expect(await countOf(target, "assets")).toBe(await countOf(source, "assets", `organization_id = '${organizations[0]!.id}'`));
  });

  test("a table that the bundle does not have is refused", async () => {
    const target = await emptyInstance(db, folderStore(home, "no-table"));
    expect(await codeOf(previewOf(target, { tables: ["assets", "webhooks"] }))).toBe("REQUEST_INVALID");
  });
});
