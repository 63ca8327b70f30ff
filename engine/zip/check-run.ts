import type { ByteSource } from "../byte-source.ts";
import { contentFailure, failureIn } from "../check-entries.ts";
import { checkOf } from "../checks.ts";
import { ContentHash, release } from "../codec-each.ts";
import type { DirectoryContext } from "./central-directory.ts";
import { checkStretch, type ZipStretch } from "./list-zip.ts";
import { PieceReader } from "./piece-reader.ts";
import { contentOf } from "./read-entry.ts";
import { type CheckedContent, type RunEntry, type RunStep, stepsOf } from "./run-steps.ts";
import { checkHeader, checkRecords, compareDescriptor } from "./tiling.ts";
import { verified } from "./verify-entries.ts";
import { WindowReader } from "./window-reader.ts";

export interface RunContext extends DirectoryContext {
  /** Uncompressed bytes that have been looked at since the last call, but for those of entries that somebody else looks at. */
  onProgress?: ((entry: ZipStretch, bytes: number) => void) | undefined;
}

/**
 * Checks entries that lie one behind the other by one reading of what holds them: an entry's records first, then its content if they are
 * sound. Gives what was found in the entries' order, several at once. Fails only with `signal.reason` and with what the source fails with.
 */
export async function* checkRun<Found extends CheckedContent>(
  source: ByteSource,
  run: readonly RunEntry<Found>[],
  context: RunContext,
): AsyncGenerator<(CheckedContent | Found)[]> {
  const steps = stepsOf(run);
  const reader = new PieceReader(
    source,
    steps.flatMap(({ pieces }) => pieces),
    context.signal,
  );
  let next = 0;
  try {
    for (const step of steps) {
      // An entry that is not sound may not have been read to its end.
      reader.skipTo(next);
      next += step.pieces.length;
      yield await checkStep(source, reader, step, context);
    }
  } finally {
    reader.close();
  }
}

async function checkStep<Found extends CheckedContent>(
  source: ByteSource,
  reader: PieceReader,
  { entries, alone, pieces }: RunStep<Found>,
  context: RunContext,
): Promise<(CheckedContent | Found)[]> {
  if (!alone) return checkTogether(source, await reader.take(), entries, context);
  const [entry] = entries as [RunEntry<Found>];
  if (pieces.length === 0) return [await recordsOf(() => checkStretch(source, entry.stretch, context))];
  return [await checkAlone(source, reader, entry, context)];
}

/** `bytes` hold all of the entries. */
async function checkTogether(
  source: ByteSource,
  bytes: Uint8Array,
  entries: readonly RunEntry[],
  context: RunContext,
): Promise<CheckedContent[]> {
  const start = entries[0]!.stretch.start;
  const window = new WindowReader(source, start + bytes.length, 0, context.signal);
  window.hold(start, bytes);
  const found: CheckedContent[] = [];
  for (const { stretch } of entries)
    found.push(await recordsOf(() => checkRecords(window, stretch.listed, stretch.end, context)));
  const sound = [...found.keys()].filter((i) => found[i]!.failure === undefined && entries[i]!.look === "content");
  const items = sound.map((i) => {
    const { dataOffset, storedSize, size, deflated } = entries[i]!.stretch.listed;
    return { offset: dataOffset - start, storedSize, size, deflated };
  });
  const contents = await context.codec.unpackBatch(bytes, items, { sha256: true, content: false });
  context.signal?.throwIfAborted();
  for (const [at, i] of sound.entries()) {
    const { listed } = entries[i]!.stretch;
    found[i] = await contentFound(async () => verified(listed, contents[at] ?? null));
  }
  const contentBytes = items.reduce((sum, { size }) => sum + size, 0);
  context.onProgress?.(entries.at(-1)!.stretch, contentBytes);
  return found;
}

/** The reader's next pieces hold the entry. */
async function checkAlone<Found extends CheckedContent>(
  source: ByteSource,
  reader: PieceReader,
  { stretch, look }: RunEntry<Found>,
  context: RunContext,
): Promise<CheckedContent | Found> {
  const { listed, start, end } = stretch;
  const first = await reader.take();
  const window = new WindowReader(source, end, 0, context.signal);
  window.hold(start, first);
  let descriptor = new Uint8Array(0);
  const records = await recordsOf(async () => {
    descriptor = new Uint8Array(await checkHeader(window, listed, end, context));
  });
  if (records.failure !== undefined) return records;
  const content = contentOf(storedOf(first, reader, stretch, descriptor), listed, context.codec, context.signal);
  const found = await (typeof look === "function" ? look(content) : hashed(content, stretch, context));
  if (found.failure !== undefined || descriptor.length === 0) return found;
  const behind = await recordsOf(async () => compareDescriptor(descriptor, listed));
  return behind.failure === undefined ? found : { ...found, ...behind };
}

/** An entry's data, which begins in the piece `first`; what lies behind it goes into `descriptor`. */
async function* storedOf(
  first: Uint8Array,
  reader: PieceReader,
  { listed, start, end }: ZipStretch,
  descriptor: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const dataEnd = listed.dataOffset + listed.storedSize;
  let at = start;
  for (let piece = first; ; piece = await reader.take()) {
    descriptor.set(piece.subarray(Math.max(0, dataEnd - at)), Math.max(0, at - dataEnd));
    const data = piece.subarray(Math.max(0, listed.dataOffset - at), Math.max(0, dataEnd - at));
    if (data.length > 0) yield data;
    at += piece.length;
    if (at === end) return;
  }
}

function hashed(content: AsyncIterable<Uint8Array>, stretch: ZipStretch, context: RunContext): Promise<CheckedContent> {
  const { deflated, size } = stretch.listed;
  return contentFound(async () => {
    const hash = await ContentHash.create(size, context.codec);
    for await (const piece of content) {
      hash.update(piece);
      context.onProgress?.(stretch, piece.length);
      if (deflated && !hash.holds) release(piece);
    }
    return { sha256: await hash.digest() };
  });
}

async function recordsOf(check: () => Promise<void>): Promise<CheckedContent> {
  try {
    await check();
    return {};
  } catch (error) {
    return { failure: failureIn(error, checkOf) };
  }
}

async function contentFound(check: () => Promise<{ sha256: string | undefined }>): Promise<CheckedContent> {
  try {
    const { sha256 } = await check();
    return sha256 === undefined ? {} : { sha256 };
  } catch (error) {
    return { failure: contentFailure(error) };
  }
}
