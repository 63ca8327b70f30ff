import { readFile } from "node:fs/promises";
import type postgres from "postgres";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { bulkLoad } from "../demo/bulk-load.ts";
import { copyRows, type Rows } from "../demo/copy-rows.ts";
import { Series } from "../demo/random.ts";
import { checkSizes } from "../demo/sizes.ts";
import {
  configRows,
  defaultAdminEmail,
  domainRows,
  firstAdmin,
  folderRows,
  passkeyRows,
  revisionRows,
  userRows,
} from "./demo-accounts.ts";
import { excludedTables } from "./demo-excluded.ts";
import { DemoInstance, type DemoOptions } from "./demo-instance.ts";
import { cipherRows, storeAttachments } from "./demo-items.ts";

export { defaultAdminEmail } from "./demo-accounts.ts";
export type { DemoOptions } from "./demo-instance.ts";

/** Makes the application's tables in a database that has none of them. */
export async function makeSchema(sql: postgres.Sql): Promise<void> {
  const schema = await readFile(new URL("schema.sql", import.meta.url), "utf8");
  await sql.begin((transaction) => transaction.unsafe(schema));
}

/** An installation as it is after set-up: one admin, who is nobody of the demo's, and no vault data. */
export async function fillEmpty(sql: postgres.Sql, options: { adminEmail?: string } = {}): Promise<void> {
  await sql.begin(async (transaction) => {
    await copyRows(transaction, "users", [firstAdmin(options.adminEmail ?? defaultAdminEmail)]);
    await copyRows(transaction, "config", [{ key: "registered", value: "true" }]);
  });
}

/**
 * Fills an empty schema and an empty blob store with a vault that has been in use for a while. The same options give the same
 * rows and objects, byte for byte.
 * @returns rows written by table.
 */
export async function fillDemo(sql: postgres.Sql, blobs: BlobStore, options: DemoOptions): Promise<Record<string, number>> {
  checkOptions(options);
  const instance = new DemoInstance(options);
  const written: Record<string, number> = {};
  await sql.begin((transaction) =>
    bulkLoad(transaction, async () => {
      for (const [table, rows] of Object.entries({ ...tables(instance, blobs), ...excludedTables(instance, blobs) })) {
        const total = instance.counts[table];
        const report = total === undefined ? undefined : (done: number) => options.onProgress?.({ table, rows: done, total });
        written[table] = await copyRows(transaction, table, rows, report);
      }
    }),
  );
  return written;
}

/** In an order in which every foreign key finds its row. */
function tables(instance: DemoInstance, blobs: BlobStore): Record<string, Rows> {
  return {
    config: configRows(instance.users, new Series(instance.options.seed, "vault config").random(0)),
    users: userRows(instance),
    domain_settings: domainRows(instance),
    user_revisions: revisionRows(instance),
    folders: folderRows(instance),
    ciphers: cipherRows(instance),
    attachments: storeAttachments(instance, blobs),
    webauthn_credentials: passkeyRows(instance),
  };
}

function checkOptions(options: DemoOptions): void {
  checkSizes("vault", options);
  if (options.attachments > 0 && options.ciphers === 0) throw new RangeError("attachments hang on ciphers, and there are none");
}
