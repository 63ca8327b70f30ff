import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { plantSecrets } from "../../support/easm-secrets.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  importFile,
  preview,
  withBundle,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

const everything = { include_users: true, include_settings: true, include_scan_history: true, include_secrets: true };

test("none of the planted secrets is in the unpacked bundle or in the stream", async () => {
  const folder = await temporaryFolder();
  const instance = await demoInstance(db, folderStore(folder, "source"), { assets: 60, files: 6 });
  const markers = await plantSecrets(instance.sql);
  expect(markers.length).toBeGreaterThan(40);

  const zip = await exportFile(instance, join(folder, "all.zip"), { options: everything });
  const stream = await exportFile(instance, join(folder, "all.ndjson"), { options: everything, container: "ndjson" });
  const unpacked = await withBundle(zip, async (bundle) => {
    expect(bundle.manifest.warnings.join()).toContain("include_secrets");
    expect(Object.keys(bundle.manifest.settings ?? {})).toContain("instance.name");
    const parts: Buffer[] = [];
    for (const { path } of bundle.container.entries) {
      for await (const chunk of bundle.open(path)) parts.push(Buffer.from(chunk));
    }
    return Buffer.concat(parts);
  });
  const inStream = await readFile(stream);
  const leaked = markers.filter((marker) => unpacked.includes(marker) || inStream.includes(marker));
  expect(leaked).toEqual([]);
});

test("what another producer's bundle holds of them does not enter, and a merge does not take the target's own away", async () => {
  const folder = await temporaryFolder();
  const instance = await demoInstance(db, folderStore(folder, "other"), { assets: 40, files: 4 });
  await plantSecrets(instance.sql);
  const tables = Object.fromEntries(Object.entries(easm.tables).map(([key, { withoutKeys, ...table }]) => [key, table]));
  const bundle = await exportFile(instance, join(folder, "other.zip"), { scope: { ...easm, tables } });
  const target = await emptyInstance(db, folderStore(folder, "target"));
  const plan = await preview(target, bundle);
  expect(plan.warnings.join("\n")).toContain("assets: 40 rows had members in metadata that this scope lets neither out nor in");
  const report = await importFile(target, bundle, "skip_existing", { planDigest: plan.digest });
  expect(report.plan.warnings).toEqual(plan.warnings);
  const documents = "select coalesce(string_agg(metadata::text, ''), '') as text from assets";
  const [arrived] = await target.sql.unsafe(documents);
  expect(arrived!["text"]).not.toContain("PLANTED");
  expect(arrived!["text"]).toContain('"also_kept": [1, {}]');

  const [before] = await instance.sql.unsafe(documents);
  expect(before!["text"]).toContain("PLANTED");
  const own = await exportFile(instance, join(folder, "own.zip"));
  const outcomes = (await importFile(instance, own, "merge")).plan.tables.map(({ table, outcomes }) => [
    table,
    Object.keys(outcomes),
  ]);
  for (const [table, names] of outcomes) expect(["identical", "not_imported", undefined], `${table}`).toContain(names![0]);
  expect((await instance.sql.unsafe(documents))[0]).toEqual(before);
});
