import type { ByteSource } from "../byte-source.ts";
import type { Codec } from "../codec.ts";
import type { ZipEntry } from "./entry.ts";
import { inFlight } from "./in-flight.ts";
import { readEntry } from "./read-entry.ts";
import { type EntryRun, runsOf } from "./runs.ts";
import { type VerifyOptions, verified } from "./verify-entries.ts";

export interface ReadEntry {
  entry: ZipEntry;
  /** A small entry's content as one piece, checked; a large one's as it is read, to be consumed before the next entry is asked for. */
  body: Uint8Array | AsyncIterable<Uint8Array>;
  /** Of a small entry: SHA-256 in lowercase hex, when wanted. */
  sha256: string | undefined;
}

const bytesInFlight = 12 * 1024 * 1024;
/** A large entry costs nothing until it is consumed; this only keeps the queue short. */
const largeCost = 4 * 1024 * 1024;

/**
 * The content of many entries in the order asked for. Small ones that lie together cost one read and are inflated by one
 * task, ahead of whoever consumes them. Fails as `readEntry` does.
 */
export async function* readEntries(
  source: ByteSource,
  entries: Iterable<ZipEntry>,
  codec: Codec,
  options: VerifyOptions = {},
): AsyncGenerator<ReadEntry> {
  const sha256 = options.sha256 ?? false;
  const cost = (run: EntryRun) => (run.large ? largeCost : run.length + run.contents);
  const start = async (run: EntryRun, signal: AbortSignal) =>
    run.large
      ? run.entries.map((entry) => ({ entry, body: readEntry(source, entry, codec, options.signal), sha256: undefined }))
      : readRun(source, run, codec, sha256, signal);
  for await (const read of inFlight(runsOf(entries), bytesInFlight, cost, start, options.signal)) yield* read;
}

async function readRun(
  source: ByteSource,
  run: EntryRun,
  codec: Codec,
  sha256: boolean,
  signal: AbortSignal,
): Promise<ReadEntry[]> {
  const bytes = await source.read(run.offset, run.length, signal);
  const items = run.entries.map(({ dataOffset, storedSize, size, deflated }) => ({
    offset: dataOffset - run.offset,
    storedSize,
    size,
    deflated,
  }));
  const found = await codec.unpackBatch(bytes, items, { sha256, content: true });
  return run.entries.map((entry, i) => {
    const hash = verified(entry, found[i] ?? null).sha256;
    return { entry, body: found[i]!.content!, sha256: hash };
  });
}
