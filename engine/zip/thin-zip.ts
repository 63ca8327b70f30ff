import { deflateNow } from "../codec-fflate.ts";
import { crc32 } from "../crc32.ts";
import { ByteStore } from "./byte-store.ts";
import type { ListedZip, ZipStretch } from "./list-zip.ts";
import { flag } from "./records.ts";
import { centralHeader, endRecords, localHeader, type WrittenEntry } from "./write-records.ts";

/** A part of a container made of another one: a range of the other's bytes, or new bytes. */
export type Slice = { start: number; end: number } | Uint8Array;

const utf8 = new TextEncoder();

/** Names that only a Unicode path record makes certain cannot be listed anew. */
export function canThinZip({ entries }: ListedZip): boolean {
  return entries.every(({ rawName, unicodePath }) => rawName === undefined && !unicodePath);
}

/**
 * The archive without the entries that `isOmitted` names and with one more document at its end, as slices of the archive and new bytes: local
 * headers, data and descriptors are taken as they lie, the directory is made anew. The same input gives the same bytes.
 */
export function thinZip(
  zip: ListedZip,
  isOmitted: (path: string) => boolean,
  document: { path: string; content: Uint8Array },
  modifiedAt: Date,
): Slice[] {
  const slices: Slice[] = [];
  const directory = new ByteStore();
  let offset = 0;
  let entries = 0;
  for (const stretch of zip.entries) {
    if (isOmitted(stretch.path)) continue;
    append(slices, stretch);
    directory.add(movedHeader(stretch, offset, modifiedAt));
    offset += stretch.end - stretch.headerOffset;
    entries++;
  }
  const { entry, stored } = deflatedEntry(document, offset);
  const header = localHeader(entry, modifiedAt);
  slices.push(header, stored);
  directory.add(centralHeader(entry, modifiedAt));
  offset += header.length + stored.length;
  return [...slices, ...directory.chunks(), endRecords(entries + 1, directory.length, offset)];
}

/** Neighbours become one slice. */
function append(slices: Slice[], { headerOffset: start, end }: ZipStretch): void {
  const last = slices.at(-1);
  if (last !== undefined && !(last instanceof Uint8Array) && last.end === start) last.end = end;
  else slices.push({ start, end });
}

function movedHeader(listed: ZipStretch, headerOffset: number, modifiedAt: Date): Uint8Array {
  const { path, flags, method, crc32, size, storedSize } = listed;
  const name = utf8.encode(path);
  const deferred = (flags & flag.descriptor) !== 0;
  const entry = { name, directory: path.endsWith("/"), deflated: method !== 0, deferred, zip64: false };
  const bytes = centralHeader({ ...entry, crc32, size, storedSize, headerOffset }, modifiedAt);
  // +8: flags decide how a name is read, so that both headers must have the same.
  new DataView(bytes.buffer).setUint16(8, flags, true);
  return bytes;
}

/** Always by the same compressor, so that another browser makes the same bytes of it. */
function deflatedEntry(document: { path: string; content: Uint8Array }, headerOffset: number) {
  const { path, content } = document;
  const stored = deflateNow(content, { level: 6, final: true });
  const entry: WrittenEntry = {
    name: utf8.encode(path),
    directory: false,
    deflated: true,
    deferred: false,
    zip64: false,
    crc32: crc32(content),
    size: content.length,
    storedSize: stored.length,
    headerOffset,
  };
  return { entry, stored };
}
