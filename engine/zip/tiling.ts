import type { ByteSource } from "../byte-source.ts";
import type { DirectoryContext } from "./central-directory.ts";
import type { ListedEntry } from "./entry.ts";
import { readExtraFields, widenLocal } from "./extra.ts";
import { zipFault } from "./fault.ts";
import { latin1, readName } from "./names.ts";
import { flag, type LocalHeader, localHeaderLength, readDescriptor, readLocalHeader, signature, viewOf } from "./records.ts";
import { WindowReader } from "./window-reader.ts";

/** Room for a local header's name and extra field in the first read; longer ones cost a second read. */
const usualHeader = 512;
/** Where entries are this far apart on average, their headers are read one by one, else many by one read. */
const sparse = 64 * 1024;
const windowLength = 1024 * 1024;
/** Reads that run at the same time where headers are read one by one: over a network each takes a round trip. */
const together = 16;
const longestDescriptor = 24;

const encoder = new TextEncoder();

/**
 * Holds the directory against the rest of the archive: local headers, data and data descriptors must fill the bytes before the
 * directory exactly, in order of offset, without gap or overlap, and say the same as the directory. Nothing is inflated
 * before this: overlapping entries are how a small archive becomes petabytes (CVE-2019-13232, CVE-2024-0450).
 * Sets `dataOffset` and sorts `entries` by offset.
 */
export async function checkTiling(
  source: ByteSource,
  directoryOffset: number,
  entries: ListedEntry[],
  context: DirectoryContext,
): Promise<void> {
  entries.sort((a, b) => a.headerOffset - b.headerOffset);
  const apart = entries.length === 0 ? 0 : directoryOffset / entries.length;
  const isSparse = apart > sparse;
  const reader = new WindowReader(source, directoryOffset, isSparse ? usualHeader : windowLength, context.signal);
  let position = 0;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.headerOffset !== position) throw misplaced(entry, position);
    if (isSparse && i % together === 0) await reader.fillAll(recordsBefore(entries.slice(i, i + together + 1)));
    const end = entries[i + 1]?.headerOffset ?? directoryOffset;
    if (!checkLoaded(reader, entry, end, context)) await checkRecords(reader, entry, end, context);
    position = end;
  }
  if (position !== directoryOffset)
    throw zipFault("ZIP_AMBIGUOUS", `${directoryOffset} bytes before the directory belong to no entry`, position);
}

/** Where a window begins that holds a header and the descriptor of the entry before it. */
function recordsBefore(entries: readonly ListedEntry[]): number[] {
  return entries.map(({ headerOffset }) => Math.max(0, headerOffset - longestDescriptor));
}

function misplaced(entry: ListedEntry, position: number) {
  return position === 0
    ? zipFault("ZIP_AMBIGUOUS", `${entry.headerOffset} bytes lie before the first entry`, 0, entry.path)
    : sharedHeader(entry);
}

function sharedHeader(entry: ListedEntry) {
  return zipFault("ZIP_OVERLAP", "two entries share a local header", entry.headerOffset, entry.path);
}

/**
 * Holds one entry's own records, which end at `end`, against the directory and sets its `dataOffset`: for archives whose directory was found
 * free of overlaps (`assertApart`) and whose entries are looked at one by one.
 */
export async function checkRecords(
  reader: WindowReader,
  entry: ListedEntry,
  end: number,
  context: DirectoryContext,
): Promise<void> {
  const room = await checkHeader(reader, entry, end, context);
  if (room === 0) return;
  const dataEnd = entry.dataOffset + entry.storedSize;
  if (!reader.has(dataEnd, room)) await reader.fill(dataEnd, room);
  compareDescriptor(reader.at(dataEnd, room), entry);
}

/** As `checkRecords`, up to the data. Returns the length of the descriptor that follows it, or 0 where there is none. */
export async function checkHeader(
  reader: WindowReader,
  entry: ListedEntry,
  end: number,
  context: DirectoryContext,
): Promise<number> {
  const at = entry.headerOffset;
  for (let length = localHeaderLength; length > 0; length = checkLocalHeader(reader, entry, end, context)) {
    if (at + length > end) throw runsOver(entry);
    if (!reader.has(at, length)) await reader.fill(at, length);
  }
  return assertDescriptorRoom(entry, entry.dataOffset + entry.storedSize, end);
}

/** As `checkRecords`, for records that were read along with others: nearly all of them. `false` where some were not. */
function checkLoaded(reader: WindowReader, entry: ListedEntry, end: number, context: DirectoryContext): boolean {
  if (checkLocalHeader(reader, entry, end, context) > 0) return false;
  const dataEnd = entry.dataOffset + entry.storedSize;
  const room = assertDescriptorRoom(entry, dataEnd, end);
  if (room > 0 && !reader.has(dataEnd, room)) return false;
  if (room > 0) compareDescriptor(reader.at(dataEnd, room), entry);
  return true;
}

function runsOver(entry: ListedEntry) {
  return zipFault("ZIP_OVERLAP", "the entry runs into the next record", entry.headerOffset, entry.path);
}

/**
 * Sorts `entries` by offset and finds what their directory alone shows of overlaps and gaps: every entry has a stretch of the archive to
 * itself, from its local header to the next one, that its data fits into; sets its `end`. Until its records are checked an entry is not to be read.
 */
export function assertApart(directoryOffset: number, entries: ListedEntry[]): void {
  entries.sort((a, b) => a.headerOffset - b.headerOffset);
  if (entries.length === 0 && directoryOffset !== 0)
    throw zipFault("ZIP_AMBIGUOUS", `${directoryOffset} bytes before the directory belong to no entry`, 0);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const least = localHeaderLength + (entry.rawName?.length ?? 1) + entry.storedSize;
    const end = entries[i + 1]?.headerOffset ?? directoryOffset;
    if (i === 0 && entry.headerOffset !== 0) throw misplaced(entry, 0);
    if (end === entry.headerOffset) throw sharedHeader(entry);
    if (entry.headerOffset + least > end) throw runsOver(entry);
    entry.end = end;
  }
}

/** Sets the entry's `dataOffset`. Returns 0, or how many bytes of the header must be in the window first. */
function checkLocalHeader(reader: WindowReader, entry: ListedEntry, end: number, context: DirectoryContext): number {
  const at = entry.headerOffset;
  const window = reader.window(at, localHeaderLength);
  if (window === undefined) return localHeaderLength;
  const start = at - window.offset;
  if (window.view.getUint32(start, true) !== signature.localHeader)
    throw zipFault("ZIP_BAD_RECORD", "no local header where the directory points", at, entry.path);
  const header = readLocalHeader(window.view, start);
  const length = localHeaderLength + header.nameLength + header.extraLength;
  entry.dataOffset = at + length;
  if (entry.dataOffset + entry.storedSize > end) throw runsOver(entry);
  if (start + length > window.bytes.length) return length;
  const extra = start + localHeaderLength + header.nameLength;
  const name = window.bytes.subarray(start + localHeaderLength, extra);
  compareHeaders(header, name, window.bytes.subarray(extra, start + length), entry, context);
  return 0;
}

function differ(entry: ListedEntry, what: string) {
  return zipFault("ZIP_HEADER_MISMATCH", `local header and directory differ in ${what}`, entry.headerOffset, entry.path);
}

function compareHeaders(
  header: LocalHeader,
  name: Uint8Array,
  extra: Uint8Array,
  entry: ListedEntry,
  context: DirectoryContext,
): void {
  if (!sameName(name, entry)) throw differ(entry, "name");
  if ((header.flags ^ entry.flags) & ~flag.compressionHint) throw differ(entry, "flags");
  if (header.method !== entry.method) throw differ(entry, "method");
  if ((header.versionNeeded & 0xff) > 63) throw differ(entry, "version");
  const fields = readExtraFields(extra, entry.headerOffset, entry.path);
  if ((fields.unicodePath !== undefined) !== entry.unicodePath) throw differ(entry, "Unicode path");
  if (fields.unicodePath !== undefined) compareUnicodePath(header, name, fields.unicodePath, entry, context);
  compareSizes(header, fields.zip64, entry);
}

function compareUnicodePath(
  header: LocalHeader,
  name: Uint8Array,
  unicodePath: Uint8Array,
  entry: ListedEntry,
  context: DirectoryContext,
): void {
  const utf8 = (header.flags & flag.utf8) !== 0;
  const record = { name, raw: latin1(name), utf8, unicodePath, at: entry.headerOffset };
  if (readName(record, context.codec.crc32).path !== entry.path) throw differ(entry, "Unicode path");
}

/** Where a descriptor follows the data, the local header may leave the values out. */
function compareSizes(header: LocalHeader, zip64: Uint8Array | undefined, entry: ListedEntry): void {
  const { size, storedSize } = widenLocal(header, zip64, entry.headerOffset, entry.path);
  const deferred = (entry.flags & flag.descriptor) !== 0;
  const same = (here: number, there: number) => here === there || (deferred && here === 0);
  if (!same(size, entry.size)) throw differ(entry, "size");
  if (!same(storedSize, entry.storedSize)) throw differ(entry, "storedSize");
  if (!same(header.crc32, entry.crc32)) throw differ(entry, "CRC");
}

/** Without a raw name the path was decoded from valid UTF-8, so that its encoding is the directory's name byte for byte. */
function sameName(name: Uint8Array, { path, rawName }: ListedEntry): boolean {
  if (rawName !== undefined) return latin1(name) === rawName;
  if (name.length === path.length) return isAsciiOf(name, path);
  const expected = encoder.encode(path);
  return expected.length === name.length && expected.every((byte, i) => byte === name[i]);
}

function isAsciiOf(name: Uint8Array, path: string): boolean {
  for (let i = 0; i < name.length; i++) if (name[i]! > 0x7f || name[i] !== path.charCodeAt(i)) return false;
  return true;
}

/**
 * Between an entry's data and the next record there is exactly one descriptor, if and only if flag bit 3 says so. Returns its
 * length, or 0 where there is none.
 */
function assertDescriptorRoom(entry: ListedEntry, dataEnd: number, end: number): number {
  const length = end - dataEnd;
  if (!(entry.flags & flag.descriptor)) {
    if (length !== 0) throw zipFault("ZIP_AMBIGUOUS", `${length} bytes after the entry belong to no record`, dataEnd, entry.path);
    return 0;
  }
  if (length !== 12 && length !== 16 && length !== 20 && length !== 24) {
    throw zipFault("ZIP_BAD_RECORD", `${length} bytes follow the data where a data descriptor belongs`, dataEnd, entry.path);
  }
  return length;
}

/** `bytes` are all that lies between the entry's data and the next record. */
export function compareDescriptor(bytes: Uint8Array, entry: ListedEntry): void {
  const found = readDescriptor(viewOf(bytes), 0, bytes.length);
  if (found?.crc32 !== entry.crc32 || found.storedSize !== entry.storedSize || found.size !== entry.size) {
    const dataEnd = entry.dataOffset + entry.storedSize;
    throw zipFault("ZIP_HEADER_MISMATCH", "the data descriptor and the directory differ", dataEnd, entry.path);
  }
}
