import { checksumsPath, manifestPath, tablePath } from "../../bundle/layout.ts";
import { bundleFormat, formatVersion, type Manifest, type ManifestTable } from "../../bundle/manifest.ts";
import { filesOf } from "../../bundle/manifest-files.ts";
import { readTable } from "../../bundle/read-table.ts";
import { type ByteSource, givingBack, pieceLength } from "../../byte-source.ts";
import { collect } from "../../bytes.ts";
import type { CheckedIssue } from "../../checks.ts";
import type { Container, ContainerEntry } from "../../container.ts";
import { BackupError } from "../../errors.ts";
import type { Layout, OpenLayoutContext } from "../../layout.ts";
import type { Bundle } from "../../read-bundle.ts";
import { missingEntry, NodewardenContainer } from "./archive.ts";
import { Blobs } from "./blobs.ts";
import { checkDb } from "./check-db.ts";
import { attachmentsTable, dbPath, hashInName, isBlobPath, scopeName } from "./format.ts";
import { type IndexedDb, indexDb } from "./index-db.ts";
import { type NodewardenManifest, parseNodewardenManifest } from "./manifest.ts";
import { checkRemoteIndex } from "./remote-index.ts";
import { writeNodewarden } from "./write-nodewarden.ts";

/** The instance backups of NodeWarden: manifest.json, db.json with all tables, attachments/<cipher>/<attachment>.bin. */
export const nodewarden: Layout = {
  name: "nodewarden",
  recognizes: ({ kind, entries }) => {
    const has = (wanted: string) => entries.some(({ path }) => path === wanted);
    return kind === "zip" && has(dbPath) && !has(checksumsPath);
  },
  open: openNodewarden,
  write: writeNodewarden,
};

async function openNodewarden(archive: Container, context: OpenLayoutContext): Promise<Bundle> {
  const { source, limits, signal } = context;
  const entries = new Map(archive.entries.map((entry) => [entry.path, entry]));
  const [document, db] = [entries.get(manifestPath), entries.get(dbPath)];
  if (document === undefined || db === undefined) throw missingEntry(document === undefined ? manifestPath : dbPath);
  if (document.size > limits.documentBytes) {
    const message = `${manifestPath} has ${document.size} bytes and the limit is ${limits.documentBytes}`;
    throw new BackupError("LIMIT_ENTRY_BYTES", message, { entry: manifestPath });
  }
  const stated = parseNodewardenManifest(await collect(archive.open(document, signal)));
  const openDb = (abort?: AbortSignal) => givingBack(archive.open(db, abort), source);
  const indexed = await indexDb(progressing(openDb(signal), db, context), limits.rowBytes);
  const blobs = new Blobs(indexed.attachments, stated, archive.entries);
  const container = new NodewardenContainer(archive, source, {
    manifest: document,
    db,
    tables: indexed.tables,
    files: blobs.entries,
  });
  const placed = new Map(container.entries.map((entry) => [entry.path, entry]));
  const open = (path: string, abort?: AbortSignal) => {
    const entry = placed.get(path);
    if (entry === undefined) throw missingEntry(path);
    return container.open(entry, abort);
  };
  const manifest = manifestOf(stated, indexed, blobs);
  return {
    layout: "nodewarden",
    container,
    manifest,
    files: filesOf(manifest.files),
    checksums: null,
    omitted: new Map(),
    limits,
    entry: (path) => placed.get(path),
    open,
    readRows: (table, visitor, abort) =>
      readTable(givingBack(open(tablePath(table), abort), source), tablePath(table), visitor, limits.rowBytes),
    async *check({ signal: abort, pool }) {
      yield* strangeEntries(archive.entries);
      yield* blobs.issues;
      const rows = Object.fromEntries(indexed.tables.map((table) => [table.name, table.rows]));
      yield* await checkDb(() => openDb(abort), { rows, rowBytes: limits.rowBytes });
      yield* await checkName(source, context, abort);
      if (pool !== undefined) yield* await checkRemoteIndex(blobs.files, pool, abort);
    },
  };
}

/** Tells how far the reading of db.json is, as a part of the archive. */
async function* progressing(
  chunks: AsyncIterable<Uint8Array>,
  db: ContainerEntry,
  { source, onProgress }: OpenLayoutContext,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    yield chunk;
    onProgress?.(Math.round((bytes / db.size) * source.size));
  }
}

function manifestOf(stated: NodewardenManifest, indexed: IndexedDb, { files }: Blobs): Manifest {
  const counts = indexed.tables.map(({ name, rows }) => [name, own(stated.tableCounts, name) ?? rows] as const);
  return {
    format: bundleFormat,
    format_version: formatVersion,
    app: { name: "nodewarden", version: stated.appVersion },
    scope: { name: scopeName, version: 1, fingerprint: "" },
    created_at: stated.exportedAt,
    options: { include_attachments: stated.includes.attachments ?? files.length > 0 },
    table_counts: { ...Object.fromEntries(counts), ...missingTables(stated, indexed) },
    tables: indexed.tables.map(tableRecord),
    files,
    warnings: [],
  };
}

function own(counts: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(counts, name) ? counts[name] : undefined;
}

/** A table that the manifest counts and db.json lacks is missed by the verification, unless there was nothing in it. */
function missingTables({ tableCounts }: NodewardenManifest, indexed: IndexedDb): Record<string, number> {
  const found = new Set(indexed.tables.map(({ name }) => name));
  return Object.fromEntries(Object.entries(tableCounts).filter(([name, rows]) => rows > 0 && !found.has(name)));
}

function tableRecord({ name, columns, rows, start, end }: IndexedDb["tables"][number]): ManifestTable {
  const fileId = name === attachmentsTable ? { file_id: "id" } : {};
  return { name, columns, rows, bytes: end - start, ...fileId };
}

function* strangeEntries(entries: readonly ContainerEntry[]): Generator<CheckedIssue> {
  for (const { path } of entries) {
    if (path === manifestPath || path === dbPath || isBlobPath(path)) continue;
    const message = `${path} has no place in a NodeWarden archive`;
    yield { check: "names", severity: "error", code: "INTEGRITY_UNLISTED", message, details: { entry: path } };
  }
}

/** The only integrity that such an archive has of its own: 20 bits of its SHA-256 in the name of its file. */
async function checkName(source: ByteSource, context: OpenLayoutContext, signal?: AbortSignal): Promise<CheckedIssue[]> {
  const stated = hashInName(context.name ?? "");
  if (stated === undefined) return [];
  const found = (await hashOf(source, context, signal)).slice(0, stated.length);
  if (found === stated) return [];
  const accepted = context.acceptNameMismatch === true;
  const message = `the file's name says that its SHA-256 begins with ${stated}, and it begins with ${found}: the file was changed or renamed${accepted ? "; accepted as asked" : ""}`;
  const severity = accepted ? "warning" : "error";
  return [{ check: "hashes", severity, code: "INTEGRITY_HASH", message, details: { stated, found, accepted } }];
}

async function hashOf(source: ByteSource, { codec }: OpenLayoutContext, signal?: AbortSignal): Promise<string> {
  const hash = await codec.createSha256();
  for (let at = 0; at < source.size; at += pieceLength) {
    const piece = await source.read(at, Math.min(pieceLength, source.size - at), signal);
    hash.update(piece);
    source.release?.(piece);
  }
  return hash.digest();
}
