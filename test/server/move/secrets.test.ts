import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useDatabase } from "../../support/database.ts";
import { plantSecrets } from "../../support/easm-secrets.ts";
import { demoInstance, exportFile, folderStore, withBundle } from "../../support/instances.ts";
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
