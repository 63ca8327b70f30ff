import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { defineScope, type Scope } from "../../../server/scope/define-scope.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { emptyInstance, exportFile, folderStore, type Instance, importFile, withBundle } from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { rows, versions } from "../../vectors/shop.ts";
import { copyTexts } from "../fidelity/instance.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const folder = join(import.meta.dirname, "..", "..", "vectors", "bundles");
const bundles = readdirSync(folder);
const newest = versions[3]!.scope;
let home: string;

beforeAll(async () => {
  home = await temporaryFolder();
});

async function shop(version: number): Promise<Instance & TestDatabase> {
  const database = await db.create();
  await database.sql.unsafe(`${versions[version]!.schema} insert into staff values (1, 'ada@example.com')`);
  return { ...database, store: folderStore(home, database.name), importer: { id: "1", email: "ada@example.com" } };
}

describe("every bundle that was released is imported for ever", () => {
  test("there are some of every format and scope version", () => {
    const names = ["easm-1", "shop-1", "shop-2", "shop-3"].flatMap((name) => [`${name}-format-1.ndjson`, `${name}-format-1.zip`]);
    expect(bundles).toEqual(expect.arrayContaining(names));
    for (let version = 1; version <= easm.version; version++) {
      expect(bundles.filter((name) => name.startsWith(`easm-${version}-`)).length, `easm ${version}`).toBe(2);
    }
  });

  test.each(bundles.filter((name) => name.startsWith("easm-")))("%s into today's easm", async (name) => {
    const target = await emptyInstance(db, folderStore(home, name));
    const { plan, failed_blobs: failed } = await importFile(target, join(folder, name));
    expect(failed).toEqual([]);
    expect(plan.blobs.write).toBeGreaterThan(0);
    for (const { table, rows, outcomes, reason } of plan.tables) {
      if (reason === undefined) expect(outcomes.insert ?? 0, table).toBe(rows);
    }
  });

  test.each(bundles.filter((name) => name.startsWith("shop-")))("%s into version 3, value for value", async (name) => {
    const target = await shop(3);
    const { plan } = await importFile(target, join(folder, name), "skip_existing", { scope: newest });
    expect(plan.tables.map(({ table, outcomes, dropped_columns: dropped }) => [table, outcomes, dropped])).toEqual([
      ["customers", { insert: 2 }, []],
      ["orders", { insert: 3 }, []],
    ]);
    const upgraded = plan.warnings.some((warning) => warning.includes("brought to version 3"));
    expect(upgraded).toBe(!name.startsWith("shop-3"));
    const expected = await shop(3);
    await expected.sql.unsafe(rows[3]!);
    expect(await copyTexts(target.sql)).toEqual(await copyTexts(expected.sql));
  });
});

describe("versions that do not fit", () => {
  test("a newer bundle is refused, with both versions named", async () => {
    const target = await shop(2);
    const before = await copyTexts(target.sql);
    const refused = importFile(target, join(folder, "shop-3-format-1.zip"), "skip_existing", { scope: versions[2]!.scope });
    await expect(refused).rejects.toMatchObject({ code: "SCHEMA_VERSION", details: { found: 3, supported: 2 } });
    await expect(refused).rejects.toThrow(/version 3 .* version 2/);
    expect(await copyTexts(target.sql)).toEqual(before);
  });

  test("without the steps, an old bundle's rows do not fit, and nothing is changed", async () => {
    const { upgrades: _, ...rest } = newest;
    const target = await shop(3);
    const before = await copyTexts(target.sql);
    const imported = importFile(target, join(folder, "shop-1-format-1.zip"), "skip_existing", { scope: defineScope(rest) });
    await expect(imported).rejects.toMatchObject({ code: "IMPORT_CONFLICT" });
    expect(await copyTexts(target.sql)).toEqual(before);
  });

  test("a step that gives no JSON is named with its row", async () => {
    const broken = { to: 3, steps: [{ table: "orders", setColumn: "net", value: () => "1,2" }] };
    const scope: Scope = { ...newest, upgrades: [newest.upgrades![0]!, broken] };
    const imported = importFile(await shop(3), join(folder, "shop-2-format-1.zip"), "skip_existing", { scope });
    await expect(imported).rejects.toMatchObject({ code: "SCHEMA_SCOPE", details: { table: "orders", row: 1 } });
  });

  test.each([
    [[{ to: 4, steps: [] }], "no steps lead beyond it"],
    [
      [
        { to: 3, steps: [] },
        { to: 2, steps: [] },
      ],
      "each version once, in order",
    ],
    [[{ to: 2, steps: [{ table: "orders", setColumn: "net", value: "none" }] }], "a value is JSON text"],
  ])("%j is no declaration", (upgrades, message) => {
    expect(() => defineScope({ ...newest, upgrades })).toThrow(message);
  });
});

test("what is exported today is of today's version", async () => {
  const source = await shop(3);
  await source.sql.unsafe(rows[3]!);
  const path = await exportFile(source, join(home, "today.zip"), { scope: newest });
  await withBundle(path, async ({ manifest }) => expect(manifest.scope.version).toBe(3));
});
