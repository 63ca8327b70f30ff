import { createHash } from "node:crypto";
import type postgres from "postgres";
import type { BlobStore } from "../../server/blobs/blob-store.ts";
import { readCatalog } from "../../server/database/catalog.ts";
import { quoteIdent } from "../../server/database/session.ts";
import type { ExportRequest } from "../../server/export/export-bundle.ts";
import { type ImportRequest, importBundle, type PreviewRequest, previewImport } from "../../server/import/import-bundle.ts";
import { findImporter } from "../../server/import/importer.ts";
import { fillDemo, fillEmpty, makeSchema } from "../../server/scopes/vault/demo.ts";
import { vault } from "../../server/scopes/vault/scope.ts";
import type { useDatabase } from "./database.ts";
import { exportFile, type Instance, withBundle } from "./instances.ts";

type Databases = ReturnType<typeof useDatabase>;

export const vaultSize = { users: 4, ciphers: 40, attachments: 9, seed: 3 };

/** A vault that has been in use, with everything that a backup leaves behind. */
export async function vaultInstance(db: Databases, store: BlobStore, size: Partial<typeof vaultSize> = {}): Promise<Instance> {
  const { sql, url } = await db.create();
  await makeSchema(sql);
  await fillDemo(sql, store, { ...vaultSize, ...size });
  return { sql, url, store, importer: await findImporter(sql, vault) };
}

/** A vault that has just been set up. */
export async function emptyVault(db: Databases, store: BlobStore): Promise<Instance> {
  const { sql, url } = await db.create();
  await makeSchema(sql);
  await fillEmpty(sql, { adminEmail: "importer@target.example" });
  return { sql, url, store, importer: await findImporter(sql, vault) };
}

export function exportVault(instance: Instance, path: string, options: Partial<ExportRequest> = {}): Promise<string> {
  return exportFile(instance, path, { scope: vault, ...options });
}

export function replaceVault(instance: Instance, path: string, more: Partial<ImportRequest> = {}) {
  const { sql, store, importer } = instance;
  return withBundle(path, (bundle) => importBundle({ sql, store, scope: vault, bundle, mode: "replace", importer, ...more }));
}

export function previewVault(instance: Instance, path: string, more: Partial<PreviewRequest> = {}) {
  const { sql, store, importer } = instance;
  return withBundle(path, (bundle) => previewImport({ sql, store, scope: vault, bundle, mode: "replace", importer, ...more }));
}

/** Every row of every table, in the scope or not, and every object with the SHA-256 of its content. */
export interface VaultState {
  tables: Record<string, string[]>;
  objects: Record<string, string>;
}

export async function vaultState({ sql, store }: Instance): Promise<VaultState> {
  const tables: Record<string, string[]> = {};
  for (const table of (await readCatalog(sql)).tables.values()) tables[table.key] = await rowsOf(sql, table.key);
  const objects: Record<string, string> = {};
  for await (const { key } of store.list()) objects[key] = await contentOf(store, key);
  return { tables, objects };
}

/** Rows as PostgreSQL writes them, by primary key. */
export async function rowsOf(sql: postgres.Sql, table: string, where = "true"): Promise<string[]> {
  const { primaryKey } = (await readCatalog(sql)).tables.get(table)!;
  const order = primaryKey.map(quoteIdent).join(", ");
  const rows = await sql.unsafe(`select t::text as row from ${quoteIdent(table)} t where ${where} order by ${order}`);
  return rows.map((row) => row["row"] as string);
}

export async function contentOf(store: BlobStore, key: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of (await store.open(key)).body) hash.update(chunk);
  return hash.digest("hex");
}

/** Puts other content under a key that is taken. */
export async function overwrite(store: BlobStore, key: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  await store.remove(key);
  const body = (async function* () {
    yield bytes;
  })();
  await store.create(key, body, { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
}
