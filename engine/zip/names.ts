import { assertPath, decodePath } from "../paths.ts";
import { zipFault } from "./fault.ts";
import { viewOf } from "./records.ts";

/** The name of an entry as its header gives it. */
export interface EntryName {
  path: string;
  /** The header's bytes, one character each, where `path` is not their UTF-8: a name in some code page. */
  rawName?: string;
}

export interface NameRecord {
  name: Uint8Array;
  /** The name's bytes, one character each. */
  raw: string;
  /** Flag bit 11. */
  utf8: boolean;
  /** Info-ZIP's Unicode path extra (0x7075), if there is one. */
  unicodePath: Uint8Array | undefined;
  /** Offset of the header. */
  at: number;
}

/**
 * The path of an entry. A name that is not ASCII needs flag bit 11 or a Unicode path record: without them one reader takes
 * it for code page 437, the next for UTF-8, a third asks its locale.
 */
export function readName(record: NameRecord, crc32: (bytes: Uint8Array) => number): EntryName {
  const { name, raw, unicodePath, at } = record;
  const ascii = !/[^\0-\x7f]/.test(raw);
  const unmarked = !record.utf8 && !ascii;
  if (unmarked && unicodePath === undefined) {
    throw zipFault(
      "PATH_ENCODING",
      "the name is not ASCII and not marked as UTF-8",
      at,
      raw,
      "pack again with a program that writes UTF-8 names",
    );
  }
  if (unicodePath === undefined) {
    if (!ascii) return { path: decodePath(name, at) };
    assertPath(raw, at);
    return { path: raw };
  }
  if (unicodePath.length < 5 || unicodePath[0] !== 1)
    throw zipFault("ZIP_BAD_RECORD", "the Unicode path record is malformed", at, raw);
  if (viewOf(unicodePath).getUint32(1, true) !== crc32(name)) {
    throw zipFault("ZIP_AMBIGUOUS", "the Unicode path record belongs to another name", at, raw);
  }
  const path = decodePath(unicodePath.subarray(5), at);
  assertAgrees(path, unmarked ? raw : decodePath(name, at), unmarked, at);
  return unmarked ? { path, rawName: raw } : { path };
}

/**
 * Half of the readers use the header's name and half the Unicode path. Where the header's code page is unknown, what lies
 * between the foreign characters must be the same, and must be harmless by itself.
 */
function assertAgrees(path: string, name: string, unmarked: boolean, at: number): void {
  if (unmarked) assertPath(name.replace(/[^\0-\x7f]/g, "_"), at);
  const same = unmarked ? path.replace(/[^\0-\x7f]+/g, "\0") === name.replace(/[^\0-\x7f]+/g, "\0") : path === name;
  if (!same) throw zipFault("ZIP_AMBIGUOUS", "the Unicode path record gives another name than the header", at, name);
}

/** One character a byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  // Not spread: that would walk an iterator, and every name of a directory passes here.
  for (let i = 0; i < bytes.length; i += 4096)
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  return text;
}
