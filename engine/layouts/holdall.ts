import { type Checksums, parseChecksums } from "../bundle/checksums.ts";
import { checksumsPath, manifestPath, tablePath, thinPath } from "../bundle/layout.ts";
import { bundleFormat, readManifest } from "../bundle/manifest.ts";
import { readTable } from "../bundle/read-table.ts";
import { type Omitted, parseThin } from "../bundle/thin.ts";
import { type ByteSource, givingBack } from "../byte-source.ts";
import type { Container, ContainerEntry } from "../container.ts";
import { BackupError } from "../errors.ts";
import type { Layout, OpenLayoutContext } from "../layout.ts";
import type { Limits } from "../limits.ts";
import { assertHeader } from "../ndjson/header.ts";
import type { NdjsonContainer } from "../ndjson/read-ndjson.ts";
import type { Bundle } from "../read-bundle.ts";
import { writeHoldall } from "./write-holdall.ts";

/** Holdall's own layout (docs/format.md). */
export const holdall: Layout = {
  name: "holdall",
  recognizes: () => true,
  open: openHoldall,
  write: writeHoldall,
};

async function openHoldall(container: Container, { source, limits, records, signal }: OpenLayoutContext): Promise<Bundle> {
  const entries = new Map<string, ContainerEntry>();
  for (const entry of container.entries) entries.set(entry.path, entry);
  const open = (path: string, abort?: AbortSignal) => {
    const entry = entries.get(path);
    if (entry === undefined) throw missing(path);
    return container.open(entry, abort);
  };
  const document = async (path: string) => {
    const entry = entries.get(path);
    if (entry === undefined) throw missing(path);
    return readDocument(entry, container, source, limits, signal);
  };
  const { manifest, files } = readManifest(await document(manifestPath));
  if (container.kind === "ndjson") assertHeader((container as NdjsonContainer).header, manifest);
  if (!entries.has(checksumsPath)) throw missing(checksumsPath);
  const checksums = onceRead(async () => parseChecksums(await document(checksumsPath)));
  if (records !== "when-read") await checksums();
  const omitted: Omitted = entries.has(thinPath) ? parseThin(await document(thinPath)) : new Map();
  return {
    layout: "holdall",
    container,
    manifest,
    files,
    checksums,
    omitted,
    limits,
    entry: (path) => entries.get(path),
    open,
    readRows: (table, visitor, abort) => readTable(open(tablePath(table), abort), tablePath(table), visitor, limits.rowBytes),
  };
}

/** Reads at the first call, and again after a failure. */
function onceRead(read: () => Promise<Checksums>): () => Promise<Checksums> {
  let found: Promise<Checksums> | undefined;
  const again = (error: unknown) => {
    found = undefined;
    throw error;
  };
  return () => (found ??= read().catch(again));
}

/** A document whole, in memory of its own: what its pieces took is given back as they pass. */
async function readDocument(
  entry: ContainerEntry,
  container: Container,
  source: ByteSource,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (entry.size > limits.documentBytes) {
    const message = `${entry.path} has ${entry.size} bytes and the limit is ${limits.documentBytes}`;
    throw new BackupError("LIMIT_ENTRY_BYTES", message, { entry: entry.path });
  }
  const bytes = new Uint8Array(entry.size);
  let at = 0;
  for await (const piece of givingBack(container.open(entry, signal), source)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function missing(path: string): BackupError {
  const advice = path === manifestPath ? `it is no ${bundleFormat}` : "the bundle is incomplete";
  return new BackupError("INTEGRITY_MISSING", `${path} is missing: ${advice}`, { entry: path });
}
