import type { ByteSource } from "../byte-source.ts";
import type { Codec, UnpackedItem } from "../codec.ts";
import type { ZipEntry } from "./entry.ts";
import { inFlight } from "./in-flight.ts";
import { assertCrc, badDeflate, readRange } from "./read-entry.ts";
import { type EntryRun, runsOf } from "./runs.ts";

export interface VerifyOptions {
  /** Whether to compute SHA-256 as well; the default. */
  sha256?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface VerifiedEntry {
  entry: ZipEntry;
  /** SHA-256 of the content in lowercase hex, unless not wanted. */
  sha256: string | undefined;
}

/** Bytes under way at once, and what a streamed entry counts for: its window and what its inflater holds. */
const bytesInFlight = 8 * 1024 * 1024;
const streamCost = 4 * 1024 * 1024;

/**
 * Checks the content of entries against their sizes and CRCs, several at once, and gives their hashes in the order asked for.
 * Content does not come to the caller, so that the codec may do all of the work on other threads.
 */
export async function* verifyEntries(
  source: ByteSource,
  entries: Iterable<ZipEntry>,
  codec: Codec,
  options: VerifyOptions = {},
): AsyncGenerator<VerifiedEntry> {
  const sha256 = options.sha256 ?? true;
  const cost = (run: EntryRun) => (run.large ? streamCost : run.length);
  const start = (run: EntryRun, signal: AbortSignal) =>
    run.large ? verifyLarge(source, run.entries[0]!, codec, sha256, signal) : verifyRun(source, run, codec, sha256, signal);
  for await (const verified of inFlight(runsOf(entries), bytesInFlight, cost, start, options.signal)) yield* verified;
}

async function verifyRun(
  source: ByteSource,
  run: EntryRun,
  codec: Codec,
  sha256: boolean,
  signal: AbortSignal,
): Promise<VerifiedEntry[]> {
  const bytes = await source.read(run.offset, run.length, signal);
  const items = run.entries.map(({ dataOffset, storedSize, size, deflated }) => ({
    offset: dataOffset - run.offset,
    storedSize,
    size,
    deflated,
  }));
  const found = await codec.unpackBatch(bytes, items, { sha256, content: false });
  signal.throwIfAborted();
  return run.entries.map((entry, i) => verified(entry, found[i] ?? null));
}

export async function verifyLarge(
  source: ByteSource,
  entry: ZipEntry,
  codec: Codec,
  sha256: boolean,
  signal: AbortSignal,
): Promise<VerifiedEntry[]> {
  const check = codec.createCheck({ size: entry.size, deflated: entry.deflated, sha256 });
  try {
    for await (const piece of readRange(source, entry.dataOffset, entry.storedSize, signal)) await check.write(piece);
  } catch (error) {
    check.cancel();
    throw error;
  }
  return [verified(entry, await check.end())];
}

/** The entry with its hash, once what was found agrees with what it declares. */
export function verified(entry: ZipEntry, found: UnpackedItem | null): VerifiedEntry {
  if (found === null) throw badDeflate(entry);
  assertCrc(found.crc32, entry);
  return { entry, sha256: found.sha256 };
}
