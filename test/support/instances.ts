import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import type postgres from "postgres";
import type { ByteSource } from "../../engine/byte-source.ts";
import type { ConflictMode } from "../../engine/plan.ts";
import { type Bundle, openBundle } from "../../engine/read-bundle.ts";
import type { BlobStore } from "../../server/blobs/blob-store.ts";
import { fileStore } from "../../server/blobs/file-store.ts";
import { nodeCodec } from "../../server/codec-node.ts";
import { readCatalog } from "../../server/database/catalog.ts";
import { type ExportRequest, exportBundle } from "../../server/export/export-bundle.ts";
import { openFileSource } from "../../server/file-source.ts";
import { type ImportRequest, importBundle, previewImport } from "../../server/import/import-bundle.ts";
import { findImporter, type Importer } from "../../server/import/importer.ts";
import { fillDemo, fillEmpty, makeSchema } from "../../server/scopes/easm/demo.ts";
import { easm } from "../../server/scopes/easm/scope.ts";
import type { Template, TestDatabase } from "./database.ts";

/** One EASM installation: a database and a blob store. */
export interface Instance {
  sql: postgres.Sql;
  url: string;
  store: BlobStore;
  importer: Importer;
}

interface Databases {
  create(template?: Template): Promise<TestDatabase>;
}

const empty: Template = {
  async fill({ sql }) {
    await makeSchema(sql);
    await fillEmpty(sql, { adminEmail: "importer@target.example" });
  },
};

export const demoSize = { assets: 300, files: 24, orgs: 3, seed: 7 };

export async function demoInstance(db: Databases, store: BlobStore, size: Partial<typeof demoSize> = {}): Promise<Instance> {
  const { sql, url } = await db.create();
  await makeSchema(sql);
  await fillDemo(sql, store, { ...demoSize, ...size });
  return { sql, url, store, importer: await findImporter(sql, easm) };
}

export async function emptyInstance(db: Databases, store: BlobStore): Promise<Instance> {
  const { sql, url } = await db.create(empty);
  return { sql, url, store, importer: await findImporter(sql, easm) };
}

/** Instances into which the bundle has been imported, each a copy of one. */
export function importedInstances(db: Databases, folder: string, bundle: string): () => Promise<Instance> {
  const original = join(folder, "imported");
  const imported: Template = {
    async fill({ sql, url }) {
      await empty.fill({ sql, url });
      await importFile({ sql, url, store: fileStore(original), importer: await findImporter(sql, easm) }, bundle);
    },
  };
  let count = 0;
  return async () => {
    const { sql, url } = await db.create(imported);
    const copy = `${original}-${++count}`;
    await cp(original, copy, { recursive: true });
    return { sql, url, store: fileStore(copy), importer: await findImporter(sql, easm) };
  };
}

export function folderStore(folder: string, name: string): BlobStore {
  return fileStore(join(folder, name));
}

export const createdAt = new Date("2026-01-02T03:04:06Z");

export async function exportFile(instance: Instance, path: string, options: Partial<ExportRequest> = {}): Promise<string> {
  const { sql, store } = instance;
  const out = createWriteStream(path);
  for await (const chunk of exportBundle({ sql, store, scope: easm, container: "zip", createdAt, ...options })) {
    if (!out.write(chunk)) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
  return path;
}

export async function withBundle<T>(path: string, use: (bundle: Bundle) => Promise<T>): Promise<T> {
  const source = await openFileSource(path);
  try {
    return await use(await openBundle(source, { codec: nodeCodec }));
  } finally {
    await source.close();
  }
}

export function withSource<T>(source: ByteSource, use: (bundle: Bundle) => Promise<T>): Promise<T> {
  return openBundle(source, { codec: nodeCodec }).then(use);
}

export function requestFor(instance: Instance, bundle: Bundle, mode: ConflictMode): ImportRequest {
  const { sql, store, importer } = instance;
  return { sql, store, scope: easm, bundle, mode, importer };
}

export async function preview(
  instance: Instance,
  path: string,
  mode: ConflictMode = "skip_existing",
  more: Partial<ImportRequest> = {},
) {
  return withBundle(path, (bundle) => previewImport({ ...requestFor(instance, bundle, mode), ...more }));
}

export async function importFile(
  instance: Instance,
  path: string,
  mode: ConflictMode = "skip_existing",
  more: Partial<ImportRequest> = {},
) {
  return withBundle(path, (bundle) => importBundle({ ...requestFor(instance, bundle, mode), ...more }));
}

/** COPY text of every row of the scope's tables, by table; columns that an import reassigns are left out when asked. */
export async function tableTexts(
  sql: postgres.Sql,
  leaveOut: (table: string, column: string) => boolean = () => false,
): Promise<Record<string, string[]>> {
  const { tables } = await readCatalog(sql);
  const texts: Record<string, string[]> = {};
  for (const [key, scope] of Object.entries(easm.tables)) {
    const table = tables.get(key)!;
    const columns = scope.columns.filter((column) => !leaveOut(key, column)).map((column) => `"${column}"`);
    const order = table.primaryKey.map((column) => `"${column}"`).join(", ");
    const rows = await sql.unsafe(
      `select (${key}_row)::text as row from (select ${columns.join(", ")} from ${key} order by ${order}) ${key}_row`,
    );
    texts[key] = rows.map((row) => row["row"] as string);
  }
  return texts;
}

/** All that an import may not touch when it is refused: every table's rows and every object. */
export async function stateOf(instance: Instance): Promise<{ tables: Record<string, string[]>; objects: string[] }> {
  const objects: string[] = [];
  for await (const { key, size } of instance.store.list()) objects.push(`${key} ${size}`);
  return { tables: await tableTexts(instance.sql), objects: objects.sort() };
}
