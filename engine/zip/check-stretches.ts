import type { ByteSource } from "../byte-source.ts";
import { type CheckedEntry, contentFailure, failureIn } from "../check-entries.ts";
import { checkOf } from "../checks.ts";
import type { StoredItem } from "../codec.ts";
import type { DirectoryContext } from "./central-directory.ts";
import { checkStretch, type ZipStretch } from "./list-zip.ts";
import { checkRecords } from "./tiling.ts";
import { verified, verifyLarge } from "./verify-entries.ts";
import { WindowReader } from "./window-reader.ts";

/** What was found of an entry: its hash, or why there is none. */
export type CheckedContent = Pick<CheckedEntry, "sha256" | "failure">;

/**
 * Checks entries that lie one behind the other by one read of all: their records first, then the content of those whose records are
 * sound. Fails only with `signal.reason` and with what the source fails with.
 */
export async function checkStretches(
  source: ByteSource,
  stretches: readonly ZipStretch[],
  context: DirectoryContext,
): Promise<CheckedContent[]> {
  const start = stretches[0]!.start;
  const length = stretches.at(-1)!.end - start;
  const reader = new WindowReader(source, start + length, length, context.signal);
  await reader.fill(start, length);
  const found: CheckedContent[] = [];
  for (const { listed, end } of stretches) {
    found.push(await recordsOf(() => checkRecords(reader, listed, end, context)));
  }
  const sound = [...found.keys()].filter((i) => found[i]!.failure === undefined);
  const items = sound.map((i) => itemOf(stretches[i]!, start));
  const bytes = reader.at(start, length);
  const contents = await context.codec.unpackBatch(bytes, items, { sha256: true, content: false });
  source.release?.(bytes);
  context.signal?.throwIfAborted();
  for (const [at, i] of sound.entries()) {
    found[i] = contentOf(() => verified(stretches[i]!.listed, contents[at] ?? null));
  }
  return found;
}

function itemOf({ listed: { dataOffset, storedSize, size, deflated } }: ZipStretch, start: number): StoredItem {
  return { offset: dataOffset - start, storedSize, size, deflated };
}

/** Checks one entry that is too large to be held in memory. */
export async function checkLargeStretch(
  source: ByteSource,
  stretch: ZipStretch,
  context: DirectoryContext,
): Promise<CheckedContent> {
  const records = await checkStretchRecords(source, stretch, context);
  if (records.failure !== undefined) return records;
  const signal = context.signal ?? new AbortController().signal;
  try {
    const [entry] = await verifyLarge(source, stretch.listed, context.codec, true, signal);
    return contentOf(() => entry!);
  } catch (error) {
    return { failure: contentFailure(error) };
  }
}

/** Only the records of an entry: of one whose content is read otherwise, or that has none. */
export function checkStretchRecords(source: ByteSource, stretch: ZipStretch, context: DirectoryContext): Promise<CheckedContent> {
  return recordsOf(() => checkStretch(source, stretch, context));
}

async function recordsOf(check: () => Promise<void>): Promise<CheckedContent> {
  try {
    await check();
    return {};
  } catch (error) {
    return { failure: failureIn(error, checkOf) };
  }
}

function contentOf(check: () => { sha256: string | undefined }): CheckedContent {
  try {
    const { sha256 } = check();
    return sha256 === undefined ? {} : { sha256 };
  } catch (error) {
    return { failure: contentFailure(error) };
  }
}
