import type { ByteSource } from "../byte-source.ts";
import type { Codec } from "../codec.ts";
import { BackupError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { printableName } from "../paths.ts";
import { DirectoryWindow } from "./directory-window.ts";
import type { DirectoryExtent } from "./end-of-directory.ts";
import { assertSizes, assertSupported, assertType, type ListedEntry } from "./entry.ts";
import { readExtraFields, widen } from "./extra.ts";
import { zipFault } from "./fault.ts";
import { latin1, readName } from "./names.ts";
import {
  type CentralHeader,
  centralHeaderLength,
  flag,
  holdsSignature,
  longestHeader,
  method,
  readCentralHeader,
  signature,
} from "./records.ts";

/**
 * No whole number: a field that begins with a small one is laid out for such, and with the first offset past 2 GB V8 would lay out every
 * entry anew, at its next use.
 */
const notYet = Number.POSITIVE_INFINITY;

export interface DirectoryContext {
  codec: Codec;
  limits: Limits;
  signal?: AbortSignal | undefined;
}

/** Walks the directory: it must hold exactly the announced number of headers in exactly the announced bytes. */
export async function readDirectory(
  source: ByteSource,
  extent: DirectoryExtent,
  context: DirectoryContext,
): Promise<ListedEntry[]> {
  assertEntryCount(extent, context.limits);
  const end = extent.offset + extent.size;
  const window = new DirectoryWindow(source, extent, context.signal);
  const entries: ListedEntry[] = [];
  let position = extent.offset;
  while (position < end) {
    if (entries.length === extent.entries)
      throw zipFault("ZIP_AMBIGUOUS", `the directory holds more than the ${extent.entries} entries announced`, position);
    const room = Math.min(end - position, longestHeader);
    if (!window.holds(position, room)) await window.hold(position, room);
    position += readHeader(window, position, room, extent, context, entries);
  }
  if (entries.length !== extent.entries) {
    throw zipFault("ZIP_AMBIGUOUS", `${extent.entries} entries are announced and ${entries.length} listed`, position);
  }
  return entries;
}

function assertEntryCount(extent: DirectoryExtent, limits: Limits): void {
  if (extent.entries > limits.entries) {
    throw new BackupError("LIMIT_ENTRIES", `the archive has ${extent.entries} entries; at most ${limits.entries} are allowed`);
  }
  if (extent.entries * centralHeaderLength > extent.size) {
    throw zipFault(
      "ZIP_BAD_RECORD",
      `${extent.entries} entries do not fit in a directory of ${extent.size} bytes`,
      extent.offset,
    );
  }
}

/** Reads the header at `at`, within `room` bytes, into `entries` and returns its length. */
function readHeader(
  { bytes, view, offset, names }: DirectoryWindow,
  at: number,
  room: number,
  extent: DirectoryExtent,
  context: DirectoryContext,
  entries: ListedEntry[],
): number {
  const start = at - offset;
  if (room < centralHeaderLength || view.getUint32(start, true) !== signature.centralHeader) {
    throw zipFault("ZIP_BAD_RECORD", "no central directory header where one is expected", at);
  }
  const header = readCentralHeader(view, start);
  const nameStart = start + centralHeaderLength;
  const nameEnd = nameStart + header.nameLength;
  const extraEnd = nameEnd + header.extraLength;
  const end = extraEnd + header.commentLength;
  if (end - start > room) throw zipFault("ZIP_BAD_RECORD", "a central directory header overruns the directory", at);
  if (header.commentLength > 0 && holdsSignature(bytes.subarray(extraEnd, end)))
    throw zipFault("ZIP_AMBIGUOUS", "a file comment holds a ZIP record", at);
  const name = bytes.subarray(nameStart, nameEnd);
  const entry = listedEntry(header, name, names.take() || latin1(name), bytes.subarray(nameEnd, extraEnd), at, context);
  if (entry.headerOffset >= extent.offset)
    throw zipFault("ZIP_OVERLAP", "the local header lies in the directory or beyond", at, entry.path);
  assertEntryLimits(entry, context.limits);
  entries.push(entry);
  return end - start;
}

function listedEntry(
  header: CentralHeader,
  name: Uint8Array,
  raw: string,
  extra: Uint8Array,
  at: number,
  context: DirectoryContext,
): ListedEntry {
  assertSupported(header, at, raw);
  const fields = readExtraFields(extra, at, raw);
  const utf8 = (header.flags & flag.utf8) !== 0;
  const { path, rawName } = readName({ name, raw, utf8, unicodePath: fields.unicodePath, at }, context.codec.crc32);
  const wide = widen(header, fields.zip64, at, path);
  if (wide.disk !== 0) throw zipFault("ZIP_UNSUPPORTED", "the entry lies in another file of a split archive", at, path);
  const entry: ListedEntry = {
    path,
    rawName,
    size: wide.size,
    storedSize: wide.storedSize,
    crc32: header.crc32,
    flags: header.flags,
    method: header.method,
    deflated: header.method === method.deflate,
    directory: path.endsWith("/"),
    headerOffset: notYet,
    dataOffset: notYet,
    end: notYet,
    unicodePath: fields.unicodePath !== undefined,
  };
  entry.headerOffset = wide.headerOffset;
  assertType(header, entry, at);
  assertSizes(entry, at);
  return entry;
}

export function assertEntryLimits(entry: Pick<ListedEntry, "path" | "size" | "storedSize">, limits: Limits): void {
  const details = { entry: printableName(entry.path) };
  if (entry.size > limits.entryBytes) {
    throw new BackupError(
      "LIMIT_ENTRY_BYTES",
      `entry "${details.entry}" has ${entry.size} bytes; at most ${limits.entryBytes} are allowed`,
      details,
    );
  }
  if (entry.size > limits.ratioFloorBytes && entry.size > entry.storedSize * limits.ratio) {
    throw new BackupError(
      "LIMIT_RATIO",
      `entry "${details.entry}" grows from ${entry.storedSize} to ${entry.size} bytes, more than ${limits.ratio} times`,
      details,
    );
  }
}
