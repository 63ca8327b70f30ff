import { join } from "node:path";
import { expect, test } from "vitest";
import { defineScope } from "../../../server/scope/define-scope.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { demoInstance, emptyInstance, exportFile, folderStore, importFile } from "../../support/instances.ts";
import { rebuild } from "../../support/rebuild.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

test("scans that another producer's bundle brings as queued or running arrive as cancelled, and the plan warns", async () => {
  const home = await temporaryFolder();
  const source = await demoInstance(db, folderStore(home, "source"), { assets: 40, files: 2, orgs: 2 });
  const bundle = await exportFile(source, join(home, "bundle.zip"));
  let turn = 0;
  const active = await rebuild(bundle, join(home, "active.zip"), {
    rehash: true,
    edit: (path, text) =>
      /data\/(scans|scan_jobs)\.json/.test(path)
        ? text.replaceAll(/"state":"(?:completed|failed|cancelled)"(.*?)"finished_at":"[^"]+"/g, (found, between) => {
            const state = turn++ % 2 === 0 ? "queued" : "running";
            // The manifest names the table's bytes.
            return `"state":"${state}"${between}"finished_at":null`.padEnd(found.length);
          })
        : text,
  });
  expect(turn).toBeGreaterThan(10);
  const target = await emptyInstance(db, folderStore(home, "target"));
  const { plan } = await importFile(target, active);
  for (const table of ["scans", "scan_jobs"]) {
    const states = await target.sql.unsafe(`select distinct state, finished_at is null as open from ${table}`);
    expect([...states]).toEqual([{ state: "cancelled", open: false }]);
    const { rows } = plan.tables.find((found) => found.table === table)!;
    expect(plan.warnings).toContain(
      `${table}: ${rows} rows arrive with state and finished_at as this scope writes them, and not as the bundle does`,
    );
  }
  const own = await importFile(await emptyInstance(db, folderStore(home, "own")), bundle);
  expect(own.plan.warnings.join()).not.toContain("as this scope writes them");
});

test("only a column that is rewritten can be rewritten on the way in", () => {
  const scans = { ...easm.tables["scans"]!, rewriteOnImport: ["name"] };
  expect(() => defineScope({ ...easm, tables: { ...easm.tables, scans } })).toThrow(
    "scans.rewriteOnImport: name is not rewritten",
  );
});
