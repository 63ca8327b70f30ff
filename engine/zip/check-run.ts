import type { ByteSource } from "../byte-source.ts";
import { contentFailure, failureIn } from "../check-entries.ts";
import { checkOf } from "../checks.ts";
import { ContentHash } from "../codec-each.ts";
import { release } from "../release.ts";
import type { DirectoryContext } from "./central-directory.ts";
import { HashRound } from "./hash-round.ts";
import { checkStretch, type ZipStretch } from "./list-zip.ts";
import { PieceReader } from "./piece-reader.ts";
import { contentOf } from "./read-entry.ts";
import { type CheckedContent, isBrief, type RunEntry, type RunStep, stepsOf } from "./run-steps.ts";
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
  const round = new HashRound(context.codec);
  const found: Outcome<Found>[] = [];
  const ended = () => {
    round.end();
    reader.letGo();
    return Promise.all(found.splice(0));
  };
  let next = 0;
  try {
    for (const step of steps) {
      reader.holding = round.works && isBrief(step);
      if (!reader.holding && found.length > 0) yield await ended();
      // An entry that is not sound may not have been read to its end.
      reader.skipTo(next);
      next += step.pieces.length;
      found.push(...(await checkStep(source, reader, step, { ...context, ...(reader.holding && { round }) })));
      if (!reader.holding || round.isFull) yield await ended();
    }
    if (found.length > 0) yield await ended();
  } finally {
    reader.close();
  }
}

/** Without a round hashes are worked out one by one. */
type StepContext = RunContext & { round?: HashRound };

/** What is found of a content is known when the round has ended. */
type Outcome<Found> = CheckedContent | Found | Promise<CheckedContent>;

async function checkStep<Found extends CheckedContent>(
  source: ByteSource,
  reader: PieceReader,
  { entries, alone, pieces }: RunStep<Found>,
  context: StepContext,
): Promise<Outcome<Found>[]> {
  if (!alone) return checkTogether(source, await reader.take(), entries, context);
  const [entry] = entries as [RunEntry<Found>];
  if (pieces.length === 0) return [await recordsOf(() => checkStretch(source, entry.stretch, context))];
  const { found } = await checkAlone(source, reader, entry, context);
  return [found];
}

/** `bytes` hold all of the entries. */
async function checkTogether(
  source: ByteSource,
  bytes: Uint8Array,
  entries: readonly RunEntry[],
  context: StepContext,
): Promise<(CheckedContent | Promise<CheckedContent>)[]> {
  const start = entries[0]!.stretch.headerOffset;
  const window = new WindowReader(source, start + bytes.length, 0, context.signal);
  window.hold(start, bytes);
  const found: CheckedContent[] = [];
  const hashes = new Map<number, Promise<string>>();
  for (const { stretch } of entries) found.push(await recordsOf(() => checkRecords(window, stretch, stretch.end, context)));
  const sound = [...found.keys()].filter((i) => found[i]!.failure === undefined && entries[i]!.look === "content");
  const items = sound.map((i) => {
    const { dataOffset, storedSize, size, deflated } = entries[i]!.stretch;
    return { offset: dataOffset - start, storedSize, size, deflated };
  });
  const { round } = context;
  const unpacked = { sha256: round === undefined, content: round !== undefined };
  const contents = await context.codec.unpackBatch(bytes, items, unpacked);
  context.signal?.throwIfAborted();
  for (const [at, i] of sound.entries()) {
    const { stretch } = entries[i]!;
    const content = contents[at]?.content;
    found[i] = await contentFound(async () => verified(stretch, contents[at] ?? null));
    if (round === undefined || content === undefined || found[i]!.failure !== undefined) continue;
    hashes.set(i, round.add([content], stretch.deflated));
  }
  const contentBytes = items.reduce((sum, { size }) => sum + size, 0);
  context.onProgress?.(entries.at(-1)!.stretch, contentBytes);
  return found.map((content, i) => hashes.get(i)?.then((sha256) => ({ sha256 })) ?? content);
}

/** The reader's next pieces hold the entry. */
async function checkAlone<Found extends CheckedContent>(
  source: ByteSource,
  reader: PieceReader,
  { stretch, look }: RunEntry<Found>,
  context: StepContext,
): Promise<{ found: Outcome<Found> }> {
  const { headerOffset: start, end } = stretch;
  const first = await reader.take();
  const window = new WindowReader(source, end, 0, context.signal);
  window.hold(start, first);
  let descriptor = new Uint8Array(0);
  const records = await recordsOf(async () => {
    descriptor = new Uint8Array(await checkHeader(window, stretch, end, context));
  });
  if (records.failure !== undefined) return { found: records };
  const content = contentOf(storedOf(first, reader, stretch, descriptor), stretch, context.codec, context.signal);
  const held: Uint8Array[] = [];
  const found = await (typeof look === "function" ? look(content) : hashed(content, stretch, held, context));
  if (found.failure !== undefined) return { found };
  const behind = descriptor.length === 0 ? {} : await recordsOf(async () => compareDescriptor(descriptor, stretch));
  if (context.round === undefined) return { found: { ...found, ...behind } };
  return { found: context.round.add(held, stretch.deflated).then((sha256) => ({ ...found, sha256, ...behind })) };
}

/** An entry's data, which begins in the piece `first`; what lies behind it goes into `descriptor`. */
async function* storedOf(
  first: Uint8Array,
  reader: PieceReader,
  { headerOffset, dataOffset, storedSize, end }: ZipStretch,
  descriptor: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const dataEnd = dataOffset + storedSize;
  let at = headerOffset;
  for (let piece = first; ; piece = await reader.take()) {
    descriptor.set(piece.subarray(Math.max(0, dataEnd - at)), Math.max(0, at - dataEnd));
    const data = piece.subarray(Math.max(0, dataOffset - at), Math.max(0, dataEnd - at));
    if (data.length > 0) yield data;
    at += piece.length;
    if (at === end) return;
  }
}

/** In a round the content is `held`, and its hash worked out with others. */
function hashed(
  content: AsyncIterable<Uint8Array>,
  stretch: ZipStretch,
  held: Uint8Array[],
  context: StepContext,
): Promise<CheckedContent> {
  const { deflated, size } = stretch;
  return contentFound(async () => {
    const hash = context.round === undefined ? await ContentHash.create(size, context.codec) : undefined;
    for await (const piece of content) {
      if (hash === undefined) held.push(piece);
      else hash.update(piece);
      context.onProgress?.(stretch, piece.length);
      if (deflated && hash?.holds === false) release(piece);
    }
    return { sha256: await hash?.digest() };
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
