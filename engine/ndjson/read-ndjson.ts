import { TableText } from "../bundle/table-text.ts";
import type { ByteSource } from "../byte-source.ts";
import { utf8 } from "../bytes.ts";
import type { Container, ContainerEntry } from "../container.ts";
import { BackupError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { indexNdjson, type NdjsonEntry } from "./index-ndjson.ts";
import { LineCursor } from "./line-cursor.ts";

export interface OpenNdjsonOptions {
  limits: Limits;
  signal?: AbortSignal;
  /** Bytes looked at so far, while the lines are indexed. */
  onProgress?: (bytes: number) => void;
}

export interface NdjsonContainer extends Container {
  readonly kind: "ndjson";
  /** The opening `$holdall` line. */
  readonly header: Record<string, unknown>;
  /** What the container itself says of an entry's SHA-256. */
  statedHash(entry: ContainerEntry): string;
}

/** Opens the ndjson container: one pass over its lines finds the entries, whose bytes are then read in place. */
export async function openNdjson(source: ByteSource, options: OpenNdjsonOptions): Promise<NdjsonContainer> {
  const { header, entries } = await indexNdjson(source, options);
  const known = (entry: ContainerEntry): NdjsonEntry => entry as NdjsonEntry;
  return {
    kind: "ndjson",
    size: source.size,
    header,
    entries,
    statedHash: (entry) => known(entry).sha256,
    open: (entry, signal) => readNdjsonEntry(source, known(entry), options.limits, signal),
  };
}

export function readNdjsonEntry(
  source: ByteSource,
  entry: NdjsonEntry,
  limits: Limits,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (entry.kind === "table") return readTableLines(source, entry, limits, signal);
  if (entry.kind === "file") return readRaw(source, entry, signal);
  return readDocument(source, entry, limits, signal);
}

async function* readRaw(source: ByteSource, entry: NdjsonEntry, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const windowBytes = 1024 * 1024;
  for (let offset = entry.offset; offset < entry.end; offset += windowBytes) {
    yield await source.read(offset, Math.min(windowBytes, entry.end - offset), signal);
  }
}

async function* readTableLines(
  source: ByteSource,
  entry: NdjsonEntry,
  limits: Limits,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const cursor = new LineCursor(source, entry, signal);
  const text = new TableText();
  while (!cursor.done) {
    if (!cursor.ready) await cursor.fill(limits.rowBytes);
    text.add(cursor.take());
    if (text.full) yield* text.blocks();
  }
  text.end();
  yield* text.blocks();
}

async function* readDocument(
  source: ByteSource,
  entry: NdjsonEntry,
  limits: Limits,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const cursor = new LineCursor(source, entry, signal);
  await cursor.fill(limits.documentBytes);
  const { text } = JSON.parse(new TextDecoder().decode(cursor.take())) as { text: string };
  const bytes = utf8(text);
  if (bytes.length !== entry.size) {
    throw new BackupError("INTEGRITY_SIZE", `${entry.path} has ${bytes.length} bytes and its $end line says ${entry.size}`, {
      entry: entry.path,
    });
  }
  yield bytes;
}
