import { unsupportedAdvice, zipFault } from "./fault.ts";
import { type LocalHeader, max16, max32, readUint64, viewOf } from "./records.ts";

/** Header IDs that change what an entry is (APPNOTE 4.5, Info-ZIP's extrafld.txt). All others are passed over. */
const extraId = {
  zip64: 0x0001,
  pkwareUnix: 0x000d,
  strongEncryption: 0x0017,
  recipients: 0x0019,
  unicodePath: 0x7075,
  asiUnix: 0x756e,
  winzipAes: 0x9901,
} as const;

/** What an entry's extra field says that matters: where in `bytes` the zip64 values lie, and the Unicode path. */
export interface ExtraFields {
  zip64?: Uint8Array;
  unicodePath?: Uint8Array;
}

const noFields: ExtraFields = Object.freeze({});

/** Where the field lies, for errors. */
interface ExtraContext {
  offset: number;
  entry: string;
}

/**
 * Splits an extra field (+0 id, +2 size, +4 data). Fails unless records fill it exactly and no id occurs twice. `offset` is the header's
 * and `entry` its name, for errors.
 */
export function readExtraFields(bytes: Uint8Array, offset: number, entry: string): ExtraFields {
  if (bytes.length === 0) return noFields;
  const at = { offset, entry };
  const fields: ExtraFields = {};
  const view = viewOf(bytes);
  const seen: number[] = [];
  let position = 0;
  while (position < bytes.length) {
    if (position + 4 > bytes.length) throw zipFault("ZIP_BAD_RECORD", "stray bytes in the extra field", at.offset, at.entry);
    const id = view.getUint16(position, true);
    const end = position + 4 + view.getUint16(position + 2, true);
    if (end > bytes.length) throw zipFault("ZIP_BAD_RECORD", "an extra record overruns the extra field", at.offset, at.entry);
    if (seen.includes(id)) throw zipFault("ZIP_AMBIGUOUS", `extra record 0x${id.toString(16)} occurs twice`, at.offset, at.entry);
    seen.push(id);
    takeField(fields, id, bytes.subarray(position + 4, end), at);
    position = end;
  }
  return fields;
}

function takeField(fields: ExtraFields, id: number, data: Uint8Array, at: ExtraContext): void {
  switch (id) {
    case extraId.zip64:
      fields.zip64 = data;
      break;
    case extraId.unicodePath:
      fields.unicodePath = data;
      break;
    case extraId.strongEncryption:
    case extraId.recipients:
    case extraId.winzipAes:
      throw zipFault("ZIP_UNSUPPORTED", "the entry is encrypted", at.offset, at.entry, unsupportedAdvice);
    case extraId.pkwareUnix:
      // +0 access time, +4 change time, +8 user, +10 group, +12 link target or device numbers
      if (data.length > 12)
        throw zipFault("PATH_SPECIAL_FILE", "the entry is a link or a device", at.offset, at.entry, unsupportedAdvice);
      break;
    case extraId.asiUnix:
      refuseAsiLink(data, at);
  }
}

/** +0 CRC, +4 mode, +6 length of the link's target, +10 user, +12 group, +14 target. */
function refuseAsiLink(data: Uint8Array, at: ExtraContext): void {
  if (data.length < 14) throw zipFault("ZIP_BAD_RECORD", "the ASi Unix extra record is too short", at.offset, at.entry);
  const view = viewOf(data);
  if (view.getUint32(6, true) !== 0 || data.length > 14 || isSpecialMode(view.getUint16(4, true))) {
    throw zipFault("PATH_SPECIAL_FILE", "the entry is a link or a device", at.offset, at.entry, unsupportedAdvice);
  }
}

/** Symbolic link, FIFO, device or socket by its Unix file mode. */
export function isSpecialMode(mode: number): boolean {
  return [0o120000, 0o010000, 0o020000, 0o060000, 0o140000].includes(mode & 0o170000);
}

/** The fields of a header that a zip64 record can widen, in the record's order. `disk` has 4 bytes there, the others 8. */
export interface Zip64Values {
  size: number;
  storedSize: number;
  headerOffset: number;
  disk: number;
}

const zip64Order = ["size", "storedSize", "headerOffset", "disk"] as const;

function isSentinel(name: keyof Zip64Values, value: number): boolean {
  return value === (name === "disk" ? max16 : max32);
}

/**
 * 4.5.3: the header's values with sentinels replaced from the zip64 record. A record holds exactly the values whose field
 * is a sentinel, or else a prefix of all of them, where those that are no sentinel must say the same as the header.
 */
export function widen(values: Zip64Values, record: Uint8Array | undefined, offset: number, entry: string): Zip64Values {
  if (record === undefined) {
    if (values.size === max32 || values.storedSize === max32 || values.headerOffset === max32)
      throw zipFault("ZIP_BAD_RECORD", "a zip64 value is announced and missing", offset, entry);
    return values;
  }
  const single = record.length === 8 ? onlySentinel(values) : undefined;
  if (single !== undefined) return takeValues(values, [single], record, { offset, entry });
  const at = { offset, entry };
  const needed = zip64Order.filter((name) => isSentinel(name, values[name]));
  const length = (names: readonly string[]) => names.reduce((sum, name) => sum + (name === "disk" ? 4 : 8), 0);
  const present =
    needed.length > 0 && length(needed) === record.length
      ? needed
      : [1, 2, 3, 4].map((count) => zip64Order.slice(0, count)).find((names) => length(names) === record.length);
  if (present === undefined || needed.some((name) => !present.includes(name))) {
    throw zipFault(
      "ZIP_BAD_RECORD",
      `a zip64 extra record of ${record.length} bytes does not fit its header`,
      at.offset,
      at.entry,
    );
  }
  return takeValues(values, present, record, at);
}

/** The one value that a record of 8 bytes holds where no other is announced: in large archives every entry has such a record. */
function onlySentinel({ size, storedSize, headerOffset, disk }: Zip64Values): "headerOffset" | undefined {
  return headerOffset === max32 && size !== max32 && storedSize !== max32 && disk !== max16 ? "headerOffset" : undefined;
}

/** As `widen`, for a local header, which says neither where it lies nor on which disk. */
export function widenLocal(header: LocalHeader, record: Uint8Array | undefined, offset: number, entry: string) {
  if (record === undefined && header.size !== max32 && header.storedSize !== max32) return header;
  return widen({ size: header.size, storedSize: header.storedSize, headerOffset: 0, disk: 0 }, record, offset, entry);
}

function takeValues(
  values: Zip64Values,
  present: readonly (keyof Zip64Values)[],
  record: Uint8Array,
  at: ExtraContext,
): Zip64Values {
  const view = viewOf(record);
  const widened = { ...values };
  let position = 0;
  for (const name of present) {
    const value = name === "disk" ? view.getUint32(position, true) : readUint64(view, position);
    position += name === "disk" ? 4 : 8;
    if (!Number.isSafeInteger(value)) throw zipFault("ZIP_BAD_RECORD", "a zip64 value exceeds 2^53", at.offset, at.entry);
    if (!isSentinel(name, values[name]) && value !== values[name]) {
      throw zipFault("ZIP_AMBIGUOUS", `the zip64 extra record contradicts the header's ${name}`, at.offset, at.entry);
    }
    widened[name] = value;
  }
  return widened;
}
