import type { ByteSource } from "../byte-source.ts";
import type { Container, ContainerEntry } from "../container.ts";
import { defaultLimits } from "../limits.ts";
import { type DirectoryContext, readDirectory } from "./central-directory.ts";
import { findDirectory } from "./end-of-directory.ts";
import type { ListedEntry } from "./entry.ts";
import { assertArchiveBytes, assertListed, type OpenZipOptions } from "./open-zip.ts";
import { readEntry } from "./read-entry.ts";
import { localHeaderLength } from "./records.ts";
import { assertApart, checkRecords } from "./tiling.ts";
import { WindowReader } from "./window-reader.ts";

/** An entry by the directory, and the stretch of the archive that it has to itself. */
export interface ZipStretch extends ContainerEntry {
  readonly listed: ListedEntry;
  /** From the local header to behind the data or its descriptor. */
  readonly start: number;
  readonly end: number;
}

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
    entries: listed.map((entry, i) => stretchOf(entry, listed[i + 1]?.headerOffset ?? extent.offset)),
    open: (entry, signal) => openStretch(source, entry as ZipStretch, { ...context, signal }),
  };
}

function stretchOf(listed: ListedEntry, end: number): ZipStretch {
  const { path, size, storedSize, headerOffset } = listed;
  return { path, size, storedSize, listed, start: headerOffset, end };
}

async function* openStretch(source: ByteSource, entry: ZipStretch, context: DirectoryContext): AsyncGenerator<Uint8Array> {
  await checkStretch(source, entry, context);
  yield* readStretch(source, entry, context);
}

/** The content of an entry whose records have been checked. */
export function readStretch(source: ByteSource, entry: ZipStretch, context: DirectoryContext): AsyncGenerator<Uint8Array> {
  return readEntry(source, entry.listed, context.codec, context.signal);
}

/** Checks the entry's own records, by one read of its header and one of its descriptor; sets its `dataOffset`. */
export async function checkStretch(source: ByteSource, { listed, end }: ZipStretch, context: DirectoryContext): Promise<void> {
  const usual = localHeaderLength + 3 * listed.path.length + 64;
  await checkRecords(new WindowReader(source, end, usual, context.signal), listed, end, context);
}
