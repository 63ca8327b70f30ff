/**
 * The fixed parts of ZIP's records, by their offsets (PKWARE APPNOTE 6.3.10, section 4.3). Numbers are little endian.
 * 64-bit numbers are read as JavaScript numbers; what a number cannot hold exactly becomes Infinity and fails every bound.
 */

export const signature = {
  localHeader: 0x04034b50,
  descriptor: 0x08074b50,
  centralHeader: 0x02014b50,
  endOfDirectory: 0x06054b50,
  zip64EndOfDirectory: 0x06064b50,
  zip64Locator: 0x07064b50,
} as const;

export const localHeaderLength = 30;
export const centralHeaderLength = 46;
/** The longest header of a directory there can be: three fields of 65,535 bytes. */
export const longestHeader = centralHeaderLength + 3 * 0xffff;
export const endOfDirectoryLength = 22;
export const zip64LocatorLength = 20;
export const zip64EndOfDirectoryLength = 56;
export const max16 = 0xffff;
export const max32 = 0xffffffff;

/** APPNOTE 4.4.4, general purpose bit flag. */
export const flag = {
  encrypted: 1 << 0,
  /** Sizes and CRC follow the data. */
  descriptor: 1 << 3,
  patched: 1 << 5,
  strongEncryption: 1 << 6,
  utf8: 1 << 11,
  maskedHeaders: 1 << 13,
  /** Bits 1 and 2 only tell how hard the compressor tried. */
  compressionHint: 0b110,
} as const;

export const method = { stored: 0, deflate: 8 } as const;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function readUint64(view: DataView, at: number): number {
  const value = view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
}

export function writeUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** 4.3.7 Local file header. */
export interface LocalHeader {
  versionNeeded: number;
  flags: number;
  method: number;
  crc32: number;
  storedSize: number;
  size: number;
  nameLength: number;
  extraLength: number;
}

export function readLocalHeader(view: DataView, at: number): LocalHeader {
  return {
    // +0 signature
    versionNeeded: view.getUint16(at + 4, true),
    flags: view.getUint16(at + 6, true),
    method: view.getUint16(at + 8, true),
    // +10 time, +12 date
    crc32: view.getUint32(at + 14, true),
    storedSize: view.getUint32(at + 18, true),
    size: view.getUint32(at + 22, true),
    nameLength: view.getUint16(at + 26, true),
    extraLength: view.getUint16(at + 28, true),
  };
}

/** 4.3.12 Central directory header. */
export interface CentralHeader extends LocalHeader {
  versionMadeBy: number;
  commentLength: number;
  disk: number;
  externalAttributes: number;
  headerOffset: number;
}

export function readCentralHeader(view: DataView, at: number): CentralHeader {
  return {
    // +0 signature
    versionMadeBy: view.getUint16(at + 4, true),
    versionNeeded: view.getUint16(at + 6, true),
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    // +12 time, +14 date
    crc32: view.getUint32(at + 16, true),
    storedSize: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    nameLength: view.getUint16(at + 28, true),
    extraLength: view.getUint16(at + 30, true),
    commentLength: view.getUint16(at + 32, true),
    disk: view.getUint16(at + 34, true),
    // +36 internal attributes
    externalAttributes: view.getUint32(at + 38, true),
    headerOffset: view.getUint32(at + 42, true),
  };
}

/** 4.3.16 End of central directory record. */
export interface EndRecord {
  disk: number;
  directoryDisk: number;
  entriesOnDisk: number;
  entries: number;
  directorySize: number;
  directoryOffset: number;
  commentLength: number;
}

export function readEndRecord(view: DataView, at: number): EndRecord {
  return {
    // +0 signature
    disk: view.getUint16(at + 4, true),
    directoryDisk: view.getUint16(at + 6, true),
    entriesOnDisk: view.getUint16(at + 8, true),
    entries: view.getUint16(at + 10, true),
    directorySize: view.getUint32(at + 12, true),
    directoryOffset: view.getUint32(at + 16, true),
    commentLength: view.getUint16(at + 20, true),
  };
}

/** 4.3.14 Zip64 end of central directory record, version 1. */
export interface Zip64EndRecord extends Omit<EndRecord, "commentLength"> {
  /** Size of the record without its first 12 bytes: 44 when nothing is appended to it. */
  recordSize: number;
  versionNeeded: number;
}

export function readZip64EndRecord(view: DataView, at: number): Zip64EndRecord {
  return {
    // +0 signature
    recordSize: readUint64(view, at + 4),
    // +12 version made by
    versionNeeded: view.getUint16(at + 14, true),
    disk: view.getUint32(at + 16, true),
    directoryDisk: view.getUint32(at + 20, true),
    entriesOnDisk: readUint64(view, at + 24),
    entries: readUint64(view, at + 32),
    directorySize: readUint64(view, at + 40),
    directoryOffset: readUint64(view, at + 48),
  };
}

/** 4.3.15 Zip64 end of central directory locator. */
export interface Zip64Locator {
  disk: number;
  recordOffset: number;
  disks: number;
}

export function readZip64Locator(view: DataView, at: number): Zip64Locator {
  return {
    // +0 signature
    disk: view.getUint32(at + 4, true),
    recordOffset: readUint64(view, at + 8),
    disks: view.getUint32(at + 16, true),
  };
}

/** 4.3.9 Data descriptor. The signature is optional and the sizes have 4 or 8 bytes; the length tells which. */
export interface Descriptor {
  crc32: number;
  storedSize: number;
  size: number;
}

export function readDescriptor(view: DataView, at: number, length: number): Descriptor | undefined {
  const signed = length === 16 || length === 24;
  if (!signed && length !== 12 && length !== 20) return undefined;
  if (signed && view.getUint32(at, true) !== signature.descriptor) return undefined;
  const fields = signed ? at + 4 : at;
  const wide = length >= 20;
  return {
    crc32: view.getUint32(fields, true),
    storedSize: wide ? readUint64(view, fields + 4) : view.getUint32(fields + 4, true),
    size: wide ? readUint64(view, fields + 12) : view.getUint32(fields + 8, true),
  };
}

/** Whether bytes hold the signature of any ZIP record, which some reader would find and follow. */
export function holdsSignature(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0x50); at >= 0 && at + 3 < bytes.length; at = bytes.indexOf(0x50, at + 1)) {
    if (bytes[at + 1] !== 0x4b) continue;
    const pair = bytes[at + 2]! * 256 + bytes[at + 3]!;
    // 4.3.7 to 4.3.16, the archive extra data record (6.8), and the spanning markers (8.5.4)
    if ([0x0304, 0x0708, 0x0102, 0x0506, 0x0606, 0x0607, 0x0505, 0x0608, 0x3030].includes(pair)) return true;
  }
  return false;
}
