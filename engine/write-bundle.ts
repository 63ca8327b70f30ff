import { type Checksums, formatChecksums } from "./bundle/checksums.ts";
import { checksumsPath, filePath, manifestPath, tablePath } from "./bundle/layout.ts";
import { type BundleHeader, formatManifest, type Manifest, type ManifestFile, type ManifestTable } from "./bundle/manifest.ts";
import { collect } from "./bytes.ts";
import type { Codec } from "./codec.ts";
import type { EntryInput, WriteContainerOptions } from "./container.ts";
import { writeNdjson } from "./ndjson/write-ndjson.ts";
import { safeObjectName } from "./paths.ts";
import { writeZip } from "./zip/write-zip.ts";

/** What a bundle is made of, in the order in which it is written. */
export interface BundleInput {
  header: BundleHeader;
  tables: AsyncIterable<TableInput>;
  /** Requested only once every table has been consumed. */
  files(): AsyncIterable<FileInput>;
  settings?: Record<string, unknown>;
  /** May grow until the last file has been consumed. */
  warnings: string[];
  /** Told what the bundle holds once everything before the manifest is written. */
  onManifest?: (manifest: Manifest) => void;
}

export interface TableInput {
  name: string;
  columns: string[];
  /** The column that names the row's file, in a table that owns stored objects. */
  fileId?: string;
  /** Canonical table text (`TableText`). */
  body: AsyncIterable<Uint8Array>;
  /** Known once the body has been consumed. */
  rows(): number;
}

export interface FileInput {
  id: string;
  name: string;
  objectKey: string;
  contentType: string | null;
  /** What the row says of an object that does not travel. */
  size: number | null;
  sha256: string | null;
  /** Where the object is beside the bundle, of one that is external. */
  reference?: string;
  /** The object, or why it does not travel. */
  object: { size: number; body: Uint8Array | AsyncIterable<Uint8Array> } | "external" | "missing";
}

export interface WriteBundleOptions {
  container: "zip" | "ndjson";
  codec: Codec;
  /** Deflate level of the zip container. */
  level?: number;
  signal?: AbortSignal;
  /** See `WriteContainerOptions`. */
  reuseMemory?: boolean;
}

/**
 * The bytes of a bundle, made as they are pulled: tables, files, manifest, checksums. A failure of any input is thrown to
 * whoever pulls; what was given until then is not a bundle.
 */
export function writeBundle(bundle: BundleInput, options: WriteBundleOptions): AsyncGenerator<Uint8Array> {
  const common: WriteContainerOptions = { modifiedAt: new Date(bundle.header.created_at) };
  if (options.signal !== undefined) common.signal = options.signal;
  if (options.reuseMemory === true) common.reuseMemory = true;
  const entries = bundleEntries(bundle, options.codec);
  if (options.container === "ndjson") return writeNdjson(entries, { ...common, header: bundle.header, codec: options.codec });
  const level = options.level === undefined ? {} : { level: options.level };
  return writeZip(entries, { ...common, ...level, codec: options.codec });
}

async function* bundleEntries(bundle: BundleInput, codec: Codec): AsyncGenerator<EntryInput> {
  const checksums: Checksums = new Map();
  const tables: ManifestTable[] = [];
  for await (const table of bundle.tables) {
    const tally = await tallied(tablePath(table.name), table.body, codec, checksums);
    yield { ...tally.entry, kind: "table" };
    const file = table.fileId === undefined ? {} : { file_id: table.fileId };
    tables.push({ name: table.name, columns: table.columns, rows: table.rows(), bytes: tally.bytes(), ...file });
  }
  const files: ManifestFile[] = [];
  for await (const file of bundle.files()) {
    if (typeof file.object === "string") {
      files.push({ ...record(file, file.object), path: null, size: file.size, sha256: file.sha256 });
      continue;
    }
    const path = filePath(file.id, safeObjectName(file.name));
    const tally = await tallied(path, file.object.body, codec, checksums);
    yield { ...tally.entry, kind: "file", size: file.object.size };
    files.push({ ...record(file, "bundle"), path, size: tally.bytes(), sha256: checksums.get(path)! });
  }
  yield* documents(bundle, tables, files, checksums, codec);
}

async function* documents(
  bundle: BundleInput,
  tables: ManifestTable[],
  files: ManifestFile[],
  checksums: Checksums,
  codec: Codec,
): AsyncGenerator<EntryInput> {
  const contents = manifestOf(bundle, tables, files);
  bundle.onManifest?.(contents);
  const manifest = await collect(pieces(formatManifest(contents)));
  checksums.set(manifestPath, await codec.sha256(manifest));
  yield { path: manifestPath, kind: "document", size: manifest.length, body: manifest };
  const listing = await collect(pieces(formatChecksums(checksums)));
  yield { path: checksumsPath, kind: "document", size: listing.length, body: listing };
}

function manifestOf(bundle: BundleInput, tables: ManifestTable[], files: ManifestFile[]): Manifest {
  return {
    ...bundle.header,
    table_counts: Object.fromEntries(tables.map((table) => [table.name, table.rows])),
    tables,
    files,
    warnings: bundle.warnings,
    ...(bundle.settings === undefined ? {} : { settings: bundle.settings }),
  };
}

function record(file: FileInput, stored: ManifestFile["stored"]) {
  const reference = stored !== "external" || file.reference === undefined ? {} : { reference: file.reference };
  return { id: file.id, name: file.name, object_key: file.objectKey, content_type: file.contentType, stored, ...reference };
}

async function* pieces(parts: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** Hashes a body as it passes; the sums are there once it has been consumed. */
async function tallied(path: string, body: Uint8Array | AsyncIterable<Uint8Array>, codec: Codec, checksums: Checksums) {
  if (body instanceof Uint8Array) {
    checksums.set(path, await codec.sha256(body));
    return { entry: { path, body, sha256: () => checksums.get(path)! }, bytes: () => body.length };
  }
  const hash = await codec.createSha256();
  let bytes = 0;
  async function* pass(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
    checksums.set(path, hash.digest());
  }
  return { entry: { path, body: pass(body), sha256: () => checksums.get(path)! }, bytes: () => bytes };
}
