import type { ByteSource } from "../byte-source.ts";
import type { BackupError } from "../errors.ts";
import { unsupportedAdvice, zipFault } from "./fault.ts";
import {
  type EndRecord,
  endOfDirectoryLength,
  holdsSignature,
  max16,
  max32,
  readEndRecord,
  readZip64EndRecord,
  readZip64Locator,
  signature,
  viewOf,
  zip64EndOfDirectoryLength,
  zip64LocatorLength,
} from "./records.ts";

/** Where the central directory lies. It ends where the first of the end records starts. */
export interface DirectoryExtent {
  offset: number;
  size: number;
  entries: number;
}

const tailLength = zip64EndOfDirectoryLength + zip64LocatorLength + endOfDirectoryLength + max16;

/** The last bytes of the source, where all end records are. */
interface Tail {
  bytes: Uint8Array;
  view: DataView;
  /** Offset of the first of them in the source. */
  offset: number;
}

/**
 * Finds the one end record whose comment ends at the end of the file, its zip64 counterpart directly before it, and the
 * directory directly before that. Nothing is searched for elsewhere: every reader that searches finds something else.
 */
export async function findDirectory(source: ByteSource, signal?: AbortSignal): Promise<DirectoryExtent> {
  const length = Math.min(source.size, tailLength);
  const bytes = await source.read(source.size - length, length, signal);
  const tail = { bytes, view: viewOf(bytes), offset: source.size - length };
  const at = locateEndRecord(tail);
  const end = readEndRecord(tail.view, at);
  if (holdsSignature(bytes.subarray(at + endOfDirectoryLength))) {
    throw zipFault("ZIP_AMBIGUOUS", "the archive comment holds a ZIP record", tail.offset + at);
  }
  return extentOf(tail, at, end);
}

function locateEndRecord({ bytes, view, offset }: Tail): number {
  const fitting: number[] = [];
  let last = -1;
  for (let at = 0; at + endOfDirectoryLength <= bytes.length; at++) {
    at = bytes.indexOf(0x50, at);
    if (at < 0 || at + endOfDirectoryLength > bytes.length) break;
    if (view.getUint32(at, true) !== signature.endOfDirectory) continue;
    last = at;
    if (at + endOfDirectoryLength + readEndRecord(view, at).commentLength === bytes.length) fitting.push(at);
  }
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1)
    throw zipFault("ZIP_AMBIGUOUS", "two end of central directory records end at the end of the file", offset + fitting[0]!);
  throw missingEnd(bytes, view, offset, last);
}

function missingEnd(bytes: Uint8Array, view: DataView, offset: number, last: number): BackupError {
  if (last >= 0) {
    const end = last + endOfDirectoryLength + readEndRecord(view, last).commentLength;
    return end < bytes.length
      ? zipFault("ZIP_TRAILING_DATA", `${bytes.length - end} bytes follow the end of the archive`, offset + end)
      : zipFault("ZIP_TRUNCATED", "the archive comment is cut short", offset + last);
  }
  const advice = "choose a whole ZIP file, or obtain it again if its transfer was interrupted";
  return zipFault(
    "ZIP_TRUNCATED",
    "the file has no end of central directory record: it is cut short or no ZIP archive",
    offset + bytes.length,
    undefined,
    advice,
  );
}

function extentOf(tail: Tail, at: number, end: EndRecord): DirectoryExtent {
  const locatorAt = at - zip64LocatorLength;
  const hasLocator = locatorAt >= 0 && tail.view.getUint32(locatorAt, true) === signature.zip64Locator;
  if (hasLocator) return zip64Extent(tail, locatorAt, end);
  if (end.directoryOffset === max32 || end.directorySize === max32) {
    throw zipFault("ZIP_BAD_RECORD", "the end record announces a zip64 record and there is none", tail.offset + at);
  }
  return checkedExtent(end, tail.offset + at, tail.offset + at);
}

function zip64Extent(tail: Tail, locatorAt: number, end: EndRecord): DirectoryExtent {
  const recordAt = locatorAt - zip64EndOfDirectoryLength;
  const offset = tail.offset + recordAt;
  const locator = readZip64Locator(tail.view, locatorAt);
  if (recordAt < 0 || locator.recordOffset !== offset || locator.disk !== 0 || locator.disks !== 1) {
    throw zipFault(
      "ZIP_BAD_RECORD",
      "the zip64 locator does not point at the record directly before it",
      tail.offset + locatorAt,
    );
  }
  const record = readZip64EndRecord(tail.view, recordAt);
  if (
    tail.view.getUint32(recordAt, true) !== signature.zip64EndOfDirectory ||
    record.recordSize !== zip64EndOfDirectoryLength - 12
  ) {
    throw zipFault("ZIP_BAD_RECORD", "the zip64 end of central directory record is malformed or extended", offset);
  }
  if ((record.versionNeeded & 0xff) > 63)
    throw zipFault("ZIP_UNSUPPORTED", "a newer version of ZIP is needed", offset, undefined, unsupportedAdvice);
  for (const name of ["disk", "directoryDisk", "entriesOnDisk", "entries"] as const)
    assertRestated(end[name], record[name], max16, name, offset);
  for (const name of ["directorySize", "directoryOffset"] as const) assertRestated(end[name], record[name], max32, name, offset);
  return checkedExtent(record, offset, offset);
}

function assertRestated(value: number, wide: number, sentinel: number, name: string, offset: number): void {
  if (value !== wide && value !== sentinel) {
    throw zipFault("ZIP_AMBIGUOUS", `the end record and its zip64 counterpart differ in ${name}`, offset);
  }
}

function checkedExtent(end: Omit<EndRecord, "commentLength">, directoryEnd: number, at: number): DirectoryExtent {
  if (end.disk !== 0 || end.directoryDisk !== 0 || end.entriesOnDisk !== end.entries) {
    throw zipFault("ZIP_UNSUPPORTED", "the archive is split over several files", at, undefined, unsupportedAdvice);
  }
  if (end.directoryOffset + end.directorySize !== directoryEnd) {
    const found = `the directory is said to be ${end.directorySize} bytes at ${end.directoryOffset}, which does not end at the end record`;
    throw zipFault(end.directoryOffset + end.directorySize > directoryEnd ? "ZIP_TRUNCATED" : "ZIP_BAD_RECORD", found, at);
  }
  return { offset: end.directoryOffset, size: end.directorySize, entries: end.entries };
}
