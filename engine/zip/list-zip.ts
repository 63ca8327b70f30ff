import type { ByteSource } from "../byte-source.ts";
import type { Container } from "../container.ts";
import { defaultLimits } from "../limits.ts";
import { type DirectoryContext, readDirectory } from "./central-directory.ts";
import { findDirectory } from "./end-of-directory.ts";
import type { ListedEntry } from "./entry.ts";
import { assertArchiveBytes, assertListed, type OpenZipOptions } from "./open-zip.ts";
import { readEntry } from "./read-entry.ts";
import { localHeaderLength } from "./records.ts";
import { assertApart, checkRecords } from "./tiling.ts";
import { WindowReader } from "./window-reader.ts";

/** An entry by the directory, which has a stretch of the archive to itself: its `end` is known. */
export type ZipStretch = ListedEntry;

/** A ZIP archive of which only the directory was read. `entries` are in the order of their data. */
export interface ListedZip extends Container {
  readonly kind: "zip";
  readonly entries: readonly ZipStretch[];
  readonly directoryOffset: number;
}

/**
 * Opens a ZIP archive by its directory alone, which is quick on any size: names, limits and overlaps are checked as `openZip` does. An
 * entry's local header and descriptor are held against the directory when it is opened (`checkStretch`), so that whoever opens every
 * entry has checked as much as `openZip`. Fails as `openZip` does.
 */
export async function listZip(source: ByteSource, options: OpenZipOptions): Promise<ListedZip> {
  const context = { codec: options.codec, limits: options.limits ?? defaultLimits, signal: options.signal };
  assertArchiveBytes(source.size, context.limits);
  const extent = await findDirectory(source, context.signal);
  const listed = await readDirectory(source, extent, context);
  assertListed(listed, source.size, context.limits);
  assertApart(extent.offset, listed);
  return {
    kind: "zip",
    size: source.size,
    directoryOffset: extent.offset,
    entries: listed,
    open: (entry, signal) => openStretch(source, entry as ZipStretch, { ...context, signal }),
  };
}

async function* openStretch(source: ByteSource, entry: ZipStretch, context: DirectoryContext): AsyncGenerator<Uint8Array> {
  await checkStretch(source, entry, context);
  yield* readStretch(source, entry, context);
}

/** The content of an entry whose records have been checked. */
export function readStretch(source: ByteSource, entry: ZipStretch, context: DirectoryContext): AsyncGenerator<Uint8Array> {
  return readEntry(source, entry, context.codec, context.signal);
}

/** Checks the entry's own records, by one read of its header and one of its descriptor; sets its `dataOffset`. */
export async function checkStretch(source: ByteSource, entry: ZipStretch, context: DirectoryContext): Promise<void> {
  const usual = localHeaderLength + 3 * entry.path.length + 64;
  await checkRecords(new WindowReader(source, entry.end, usual, context.signal), entry, entry.end, context);
}
