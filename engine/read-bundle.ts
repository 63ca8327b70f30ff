import { type Checksums, parseChecksums } from "./bundle/checksums.ts";
import { checksumsPath, manifestPath, tablePath, thinPath } from "./bundle/layout.ts";
import { bundleFormat, type Manifest, readManifest } from "./bundle/manifest.ts";
import type { ManifestFiles } from "./bundle/manifest-files.ts";
import { readTable, type TableVisitor } from "./bundle/read-table.ts";
import { type Omitted, parseThin } from "./bundle/thin.ts";
import type { ByteSource } from "./byte-source.ts";
import type { Codec } from "./codec.ts";
import type { Container, ContainerEntry } from "./container.ts";
import { BackupError } from "./errors.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { assertHeader } from "./ndjson/header.ts";
import { type NdjsonContainer, openNdjson } from "./ndjson/read-ndjson.ts";
import { type ListedZip, listZip } from "./zip/list-zip.ts";
import { openZip, type ZipContainer } from "./zip/open-zip.ts";

export interface OpenBundleOptions {
  codec: Codec;
  limits?: Limits;
  signal?: AbortSignal;
  /**
   * When an entry's own records of a ZIP are held against its directory: at once (the default), or when it is read. The latter is for
   * whoever shows a bundle at once and verifies every entry afterwards.
   */
  records?: "at-once" | "when-read";
  /** Bytes of an ndjson container indexed so far. */
  onProgress?: (bytes: number) => void;
}

/** A bundle whose container is sound and whose manifest is read; nothing else of it is trusted yet. */
export interface Bundle {
  readonly container: Container;
  readonly manifest: Manifest;
  /** The manifest's `files`, for whoever looks at some of them. */
  readonly files: ManifestFiles;
  /**
   * Read when they are first asked for, where a ZIP's records are looked at when read.
   * @throws BackupError `SCHEMA_MANIFEST`
   */
  checksums(): Promise<Checksums>;
  /** Files that a thin bundle names and does not carry, by path; empty for a full one. */
  readonly omitted: Omitted;
  readonly limits: Limits;
  entry(path: string): ContainerEntry | undefined;
  open(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Visits every row of a table; see `readTable`. */
  readRows(table: string, visitor: TableVisitor, signal?: AbortSignal): Promise<number>;
}

/**
 * Opens either container from its first bytes: directory and manifest only, so that it is quick on any size.
 * @throws BackupError with the code of what is wrong with the container, the manifest or the checksums.
 */
export async function openBundle(source: ByteSource, options: OpenBundleOptions): Promise<Bundle> {
  const limits = options.limits ?? defaultLimits;
  const container = await openContainer(source, { ...options, limits });
  const entries = new Map(container.entries.map((entry) => [entry.path, entry]));
  const open = (path: string, signal?: AbortSignal) => {
    const entry = entries.get(path);
    if (entry === undefined) throw missing(path);
    return container.open(entry, signal);
  };
  const document = (path: string) => readDocument(entries.get(path), container, source, limits, path, options.signal);
  const { manifest, files } = readManifest(await document(manifestPath));
  if (container.kind === "ndjson") assertHeader((container as NdjsonContainer).header, manifest);
  if (!entries.has(checksumsPath)) throw missing(checksumsPath);
  let read: Promise<Checksums> | undefined;
  const again = (error: unknown) => {
    read = undefined;
    throw error;
  };
  const checksums = () => (read ??= document(checksumsPath).then(parseChecksums).catch(again));
  if (options.records !== "when-read") await checksums();
  const omitted: Omitted = entries.has(thinPath) ? parseThin(await document(thinPath)) : new Map();
  return {
    container,
    manifest,
    files,
    checksums,
    omitted,
    limits,
    entry: (path) => entries.get(path),
    open,
    readRows: (table, visitor, signal) => readTable(open(tablePath(table), signal), tablePath(table), visitor, limits.rowBytes),
  };
}

/** A document whole, in memory of its own: what its pieces took is given back as they pass. */
async function readDocument(
  entry: ContainerEntry | undefined,
  container: Container,
  source: ByteSource,
  limits: Limits,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (entry === undefined) throw missing(path);
  if (entry.size > limits.documentBytes) {
    const message = `${path} has ${entry.size} bytes and the limit is ${limits.documentBytes}`;
    throw new BackupError("LIMIT_ENTRY_BYTES", message, { entry: path });
  }
  const bytes = new Uint8Array(entry.size);
  let at = 0;
  for await (const piece of container.open(entry, signal)) {
    bytes.set(piece, at);
    at += piece.length;
    source.release?.(piece);
  }
  return bytes;
}

/** Either container, by its first byte. */
export async function openContainer(
  source: ByteSource,
  options: OpenBundleOptions & { limits: Limits },
): Promise<ZipContainer | ListedZip | NdjsonContainer> {
  const first = source.size > 0 ? (await source.read(0, 1, options.signal))[0] : undefined;
  if (first === 0x7b) return openNdjson(source, options);
  return options.records === "when-read" ? listZip(source, options) : openZip(source, options);
}

function missing(path: string): BackupError {
  const advice = path === manifestPath ? `it is no ${bundleFormat}` : "the bundle is incomplete";
  return new BackupError("INTEGRITY_MISSING", `${path} is missing: ${advice}`, { entry: path });
}
