import { readFile } from "node:fs/promises";
import type postgres from "postgres";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { bulkLoad } from "../demo/bulk-load.ts";
import { copyRows, type Rows } from "../demo/copy-rows.ts";
import { checkSizes } from "../demo/sizes.ts";
import { assetRows, edgeRows } from "./demo-assets.ts";
import { storeFiles } from "./demo-files.ts";
import { changeRows, vulnerabilityRows } from "./demo-findings.ts";
import { DemoInstance, type DemoOptions } from "./demo-instance.ts";
import { jobRows, reportRows, scanRows } from "./demo-scans.ts";
import { excludedTables, settingRows } from "./demo-secrets.ts";
import { defaultAdminEmail, firstAdmin, memberRows, organizationRows, scopeRows, userRows } from "./demo-tenants.ts";

export type { DemoOptions } from "./demo-instance.ts";
export { defaultAdminEmail } from "./demo-tenants.ts";

/** Makes the application's tables in a database that has none of them. */
export async function makeSchema(sql: postgres.Sql): Promise<void> {
  const schema = await readFile(new URL("schema.sql", import.meta.url), "utf8");
  await sql.begin((transaction) => transaction.unsafe(schema));
}

/** An installation as it is after set-up: default settings and one admin, who is nobody of the demo's. */
export async function fillEmpty(sql: postgres.Sql, options: { adminEmail?: string } = {}): Promise<void> {
  await sql.begin(async (transaction) => {
    await copyRows(transaction, "users", [firstAdmin(options.adminEmail ?? defaultAdminEmail)]);
    await copyRows(transaction, "app_settings", settingRows(0));
  });
}

/**
 * Fills an empty schema and an empty blob store with an instance that has been in use for a while. The same options give
 * the same rows and objects, byte for byte.
 * @returns rows written by table.
 */
export async function fillDemo(sql: postgres.Sql, blobs: BlobStore, options: DemoOptions): Promise<Record<string, number>> {
  checkOptions(options);
  const instance = new DemoInstance(options);
  const written: Record<string, number> = {};
  await sql.begin((transaction) =>
    bulkLoad(transaction, async () => {
      for (const [table, rows] of Object.entries({ ...tables(instance, blobs), ...excludedTables(instance) })) {
        const total = instance.counts[table];
        const report = total === undefined ? undefined : (done: number) => options.onProgress?.({ table, rows: done, total });
        written[table] = await copyRows(transaction, table, rows, report);
      }
      await transaction`UPDATE reports SET file_id = files.id FROM files WHERE files.report_id = reports.id`;
    }),
  );
  return written;
}

/** In an order in which every foreign key finds its row. */
function tables(instance: DemoInstance, blobs: BlobStore): Record<string, Rows> {
  return {
    users: userRows(instance),
    organizations: organizationRows(instance),
    organization_members: memberRows(instance),
    scopes: scopeRows(instance),
    scans: scanRows(instance),
    assets: assetRows(instance),
    asset_edges: edgeRows(instance),
    vulnerabilities: vulnerabilityRows(instance),
    exposure_changes: changeRows(instance),
    scan_jobs: jobRows(instance),
    reports: reportRows(instance),
    files: storeFiles(instance, blobs),
    app_settings: settingRows(instance.options.seed),
  };
}

function checkOptions(options: DemoOptions): void {
  checkSizes("easm", options);
  for (const [name, value] of Object.entries({ seed: options.seed, largeFileBytes: options.largeFileBytes ?? 0 })) {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} must be a whole number from 0, not ${value}`);
  }
}
