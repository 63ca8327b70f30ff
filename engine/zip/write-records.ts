import { dosTime } from "./dos-time.ts";
import {
  centralHeaderLength,
  endOfDirectoryLength,
  flag,
  localHeaderLength,
  max16,
  max32,
  method,
  signature,
  viewOf,
  writeUint64,
  zip64EndOfDirectoryLength,
  zip64LocatorLength,
} from "./records.ts";

/** An entry being written. Sizes and CRC of a deferred one are known only after its data. */
export interface WrittenEntry {
  /** UTF-8. */
  name: Uint8Array;
  directory: boolean;
  deflated: boolean;
  /** Sizes and CRC follow the data in a descriptor. */
  deferred: boolean;
  /** The local header has a zip64 record and the descriptor 64-bit sizes. */
  zip64: boolean;
  crc32: number;
  size: number;
  storedSize: number;
  headerOffset: number;
}

const version = { deflate: 20, zip64: 45 };
/** 4.4.2: Unix, so that the mode is taken for one. */
const madeBy = (3 << 8) | version.zip64;
const fileMode = 0o100644;
const folderMode = 0o040755;

function flagsOf(entry: WrittenEntry): number {
  return flag.utf8 | (entry.deferred ? flag.descriptor : 0);
}

/** 4.3.7. Sizes of a deferred entry are 0, or both in a zip64 record of zeros beside sentinels. */
export function localHeader(entry: WrittenEntry, modifiedAt: Date): Uint8Array {
  const extraLength = entry.zip64 ? 20 : 0;
  const bytes = new Uint8Array(localHeaderLength + entry.name.length + extraLength);
  const view = viewOf(bytes);
  const known = entry.deferred ? { crc32: 0, size: 0, storedSize: 0 } : entry;
  view.setUint32(0, signature.localHeader, true);
  view.setUint16(4, entry.zip64 ? version.zip64 : version.deflate, true);
  view.setUint16(6, flagsOf(entry), true);
  view.setUint16(8, entry.deflated ? method.deflate : method.stored, true);
  writeTime(view, 10, modifiedAt);
  view.setUint32(14, known.crc32, true);
  view.setUint32(18, entry.zip64 ? max32 : known.storedSize, true);
  view.setUint32(22, entry.zip64 ? max32 : known.size, true);
  view.setUint16(26, entry.name.length, true);
  view.setUint16(28, extraLength, true);
  bytes.set(entry.name, localHeaderLength);
  if (entry.zip64) writeZip64(view, localHeaderLength + entry.name.length, [known.size, known.storedSize]);
  return bytes;
}

function writeTime(view: DataView, at: number, modifiedAt: Date): void {
  const { time, date } = dosTime(modifiedAt);
  view.setUint16(at, time, true);
  view.setUint16(at + 2, date, true);
}

/** 4.5.3: +0 id, +2 size, +4 values of 8 bytes. */
function writeZip64(view: DataView, at: number, values: readonly number[]): void {
  view.setUint16(at, 0x0001, true);
  view.setUint16(at + 2, values.length * 8, true);
  for (const [i, value] of values.entries()) writeUint64(view, at + 4 + i * 8, value);
}

/** 4.3.9, with its signature: 16 bytes, or 24 where the local header announces zip64. */
export function descriptor(entry: WrittenEntry): Uint8Array {
  const bytes = new Uint8Array(entry.zip64 ? 24 : 16);
  const view = viewOf(bytes);
  view.setUint32(0, signature.descriptor, true);
  view.setUint32(4, entry.crc32, true);
  if (entry.zip64) {
    writeUint64(view, 8, entry.storedSize);
    writeUint64(view, 16, entry.size);
  } else {
    view.setUint32(8, entry.storedSize, true);
    view.setUint32(12, entry.size, true);
  }
  return bytes;
}

/** 4.3.12. A field that 32 bits cannot hold is a sentinel, its value in the zip64 record, in this order. */
export function centralHeader(entry: WrittenEntry, modifiedAt: Date): Uint8Array {
  const wide = [entry.size, entry.storedSize, entry.headerOffset].filter((value) => value >= max32);
  const extraLength = wide.length > 0 ? 4 + wide.length * 8 : 0;
  const bytes = new Uint8Array(centralHeaderLength + entry.name.length + extraLength);
  const view = viewOf(bytes);
  view.setUint32(0, signature.centralHeader, true);
  view.setUint16(4, madeBy, true);
  view.setUint16(6, entry.zip64 || wide.length > 0 ? version.zip64 : version.deflate, true);
  view.setUint16(8, flagsOf(entry), true);
  view.setUint16(10, entry.deflated ? method.deflate : method.stored, true);
  writeTime(view, 12, modifiedAt);
  view.setUint32(16, entry.crc32, true);
  view.setUint32(20, Math.min(entry.storedSize, max32), true);
  view.setUint32(24, Math.min(entry.size, max32), true);
  view.setUint16(28, entry.name.length, true);
  view.setUint16(30, extraLength, true);
  // +32 comment length, +34 disk, +36 internal attributes: 0
  view.setUint32(38, (((entry.directory ? folderMode : fileMode) << 16) | (entry.directory ? 0x10 : 0)) >>> 0, true);
  view.setUint32(42, Math.min(entry.headerOffset, max32), true);
  bytes.set(entry.name, centralHeaderLength);
  if (wide.length > 0) writeZip64(view, centralHeaderLength + entry.name.length, wide);
  return bytes;
}

/** The end records: 4.3.14 and 4.3.15 where 4.3.16 alone cannot say it, then 4.3.16. */
export function endRecords(entries: number, directorySize: number, directoryOffset: number): Uint8Array {
  const zip64 = entries >= max16 || directorySize >= max32 || directoryOffset >= max32;
  const prefix = zip64 ? zip64EndOfDirectoryLength + zip64LocatorLength : 0;
  const bytes = new Uint8Array(prefix + endOfDirectoryLength);
  const view = viewOf(bytes);
  if (zip64) writeZip64End(view, entries, directorySize, directoryOffset);
  view.setUint32(prefix, signature.endOfDirectory, true);
  // +4 disk, +6 disk of the directory: 0
  view.setUint16(prefix + 8, Math.min(entries, max16), true);
  view.setUint16(prefix + 10, Math.min(entries, max16), true);
  view.setUint32(prefix + 12, Math.min(directorySize, max32), true);
  view.setUint32(prefix + 16, Math.min(directoryOffset, max32), true);
  // +20 comment length: 0
  return bytes;
}

function writeZip64End(view: DataView, entries: number, directorySize: number, directoryOffset: number): void {
  view.setUint32(0, signature.zip64EndOfDirectory, true);
  writeUint64(view, 4, zip64EndOfDirectoryLength - 12);
  view.setUint16(12, madeBy, true);
  view.setUint16(14, version.zip64, true);
  // +16 disk, +20 disk of the directory: 0
  writeUint64(view, 24, entries);
  writeUint64(view, 32, entries);
  writeUint64(view, 40, directorySize);
  writeUint64(view, 48, directoryOffset);
  const locator = zip64EndOfDirectoryLength;
  view.setUint32(locator, signature.zip64Locator, true);
  // +4 disk of the record: 0
  writeUint64(view, locator + 8, directoryOffset + directorySize);
  view.setUint32(locator + 16, 1, true);
}
