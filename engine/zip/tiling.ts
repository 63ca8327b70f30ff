import type { ByteSource } from "../byte-source.ts";
import type { DirectoryContext } from "./central-directory.ts";
import type { ListedEntry } from "./entry.ts";
import { readExtraFields, widen } from "./extra.ts";
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
    const dataEnd = await checkLocalHeader(reader, entry, end, context);
    await checkDescriptor(reader, entry, dataEnd, end);
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
  const dataEnd = await checkLocalHeader(reader, entry, end, context);
  await checkDescriptor(reader, entry, dataEnd, end);
}

/**
 * Sorts `entries` by offset and finds what their directory alone shows of overlaps and gaps: every entry has a stretch of the archive to
 * itself, from its local header to the next one, that its data fits into. Until its records are checked an entry is not to be read.
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
    if (entry.headerOffset + least > end)
      throw zipFault("ZIP_OVERLAP", "the entry runs into the next record", entry.headerOffset, entry.path);
  }
}

/** Returns where the entry's data ends. */
async function checkLocalHeader(
  reader: WindowReader,
  entry: ListedEntry,
  end: number,
  context: DirectoryContext,
): Promise<number> {
  const at = entry.headerOffset;
  const overlap = () => zipFault("ZIP_OVERLAP", "the entry runs into the next record", at, entry.path);
  if (at + localHeaderLength > end) throw overlap();
  if (!reader.has(at, localHeaderLength)) await reader.fill(at, localHeaderLength);
  const fixed = viewOf(reader.at(at, localHeaderLength));
  if (fixed.getUint32(0, true) !== signature.localHeader)
    throw zipFault("ZIP_BAD_RECORD", "no local header where the directory points", at, entry.path);
  const header = readLocalHeader(fixed, 0);
  const length = localHeaderLength + header.nameLength + header.extraLength;
  entry.dataOffset = at + length;
  if (entry.dataOffset + entry.storedSize > end) throw overlap();
  if (!reader.has(at, length)) await reader.fill(at, length);
  compareHeaders(header, reader.at(at, length), entry, context);
  return entry.dataOffset + entry.storedSize;
}

function compareHeaders(header: LocalHeader, bytes: Uint8Array, entry: ListedEntry, context: DirectoryContext): void {
  const at = { offset: entry.headerOffset, entry: entry.path };
  const differ = (what: string) =>
    zipFault("ZIP_HEADER_MISMATCH", `local header and directory differ in ${what}`, at.offset, at.entry);
  const name = bytes.subarray(localHeaderLength, localHeaderLength + header.nameLength);
  if (!sameName(name, entry)) throw differ("name");
  if ((header.flags ^ entry.flags) & ~flag.compressionHint) throw differ("flags");
  if (header.method !== entry.method) throw differ("method");
  if ((header.versionNeeded & 0xff) > 63) throw differ("version");
  const fields = readExtraFields(bytes.subarray(localHeaderLength + header.nameLength), at);
  if ((fields.unicodePath !== undefined) !== entry.unicodePath) throw differ("Unicode path");
  if (fields.unicodePath !== undefined) {
    const utf8 = (header.flags & flag.utf8) !== 0;
    const local = readName(
      { name, raw: latin1(name), utf8, unicodePath: fields.unicodePath, at: at.offset },
      context.codec.crc32,
    );
    if (local.path !== entry.path) throw differ("Unicode path");
  }
  const wide = widen({ ...header, headerOffset: 0, disk: 0 }, fields.zip64, at);
  const deferred = (entry.flags & flag.descriptor) !== 0;
  for (const what of ["size", "storedSize"] as const) {
    if (wide[what] !== entry[what] && !(deferred && wide[what] === 0)) throw differ(what);
  }
  if (header.crc32 !== entry.crc32 && !(deferred && header.crc32 === 0)) throw differ("CRC");
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

/** Between an entry's data and the next record there is exactly one descriptor, if and only if flag bit 3 says so. */
async function checkDescriptor(reader: WindowReader, entry: ListedEntry, dataEnd: number, end: number): Promise<void> {
  const length = end - dataEnd;
  if (!(entry.flags & flag.descriptor)) {
    if (length !== 0) throw zipFault("ZIP_AMBIGUOUS", `${length} bytes after the entry belong to no record`, dataEnd, entry.path);
    return;
  }
  if (length !== 12 && length !== 16 && length !== 20 && length !== 24) {
    throw zipFault("ZIP_BAD_RECORD", `${length} bytes follow the data where a data descriptor belongs`, dataEnd, entry.path);
  }
  if (!reader.has(dataEnd, length)) await reader.fill(dataEnd, length);
  const found = readDescriptor(viewOf(reader.at(dataEnd, length)), 0, length);
  if (found?.crc32 !== entry.crc32 || found.storedSize !== entry.storedSize || found.size !== entry.size) {
    throw zipFault("ZIP_HEADER_MISMATCH", "the data descriptor and the directory differ", dataEnd, entry.path);
  }
}
