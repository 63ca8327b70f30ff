import type { ByteSource } from "../byte-source.ts";
import { concat } from "../bytes.ts";
import { BackupError } from "../errors.ts";
import { defaultLimits, type Limits } from "../limits.ts";
import { assertEntryLimits, readDirectory } from "./central-directory.ts";
import { findDirectory } from "./end-of-directory.ts";
import { assertSizes, assertSupported, type ListedEntry } from "./entry.ts";
import { readExtraFields, widenLocal } from "./extra.ts";
import { zipFault } from "./fault.ts";
import { ForwardCursor } from "./forward-cursor.ts";
import { latin1, readName } from "./names.ts";
import { assertListed, type OpenZipOptions } from "./open-zip.ts";
import { flag, localHeaderLength, method, readDescriptor, readLocalHeader, signature, viewOf } from "./records.ts";

/** An entry as a stream gives it: nothing of it is to be trusted before the whole stream has been read without a failure. */
export interface StreamedEntry {
  path: string;
  /** Declared size in bytes, where the header says it before the data. */
  size: number | undefined;
  /** To be consumed before the next entry is asked for; what is left is read over. Fails as `readEntry` does. */
  body: AsyncIterable<Uint8Array>;
}

const headerRecords: readonly number[] = [
  signature.localHeader,
  signature.centralHeader,
  signature.zip64EndOfDirectory,
  signature.endOfDirectory,
];
const pieceLength = 1024 * 1024;

/**
 * Reads a ZIP archive forward, from a pipe or an upload, without seeking. Sizes and CRCs are checked as they pass; the central
 * directory, at the end, is held against every entry that was read, and the end of iteration says that all was good. Until then treat what
 * was given as a guess. Accepts and refuses what `openZip` with a check of every entry does.
 */
export async function* readZipStream(input: AsyncIterable<Uint8Array>, options: OpenZipOptions): AsyncGenerator<StreamedEntry> {
  const reader = new StreamReader(input, options);
  try {
    yield* reader.entries();
    await reader.checkDirectory();
  } finally {
    await reader.close();
  }
}

class StreamReader {
  readonly #cursor: ForwardCursor;
  readonly #options: OpenZipOptions;
  readonly #limits: Limits;
  readonly #seen: ListedEntry[] = [];
  #total = 0;

  constructor(input: AsyncIterable<Uint8Array>, options: OpenZipOptions) {
    this.#cursor = new ForwardCursor(input);
    this.#options = options;
    this.#limits = options.limits ?? defaultLimits;
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }

  async *entries(): AsyncGenerator<StreamedEntry> {
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const next = await this.#cursor.peek(4);
      if (next.length < 4 || viewOf(next).getUint32(0, true) !== signature.localHeader) return;
      if (this.#seen.length === this.#limits.entries)
        throw new BackupError("LIMIT_ENTRIES", `the archive has more than ${this.#limits.entries} entries`);
      const entry = await this.#header();
      this.#seen.push(entry);
      const body = this.#body(entry);
      yield { path: entry.path, size: isDeferred(entry) ? undefined : entry.size, body };
      for await (const _ of body); // what the caller has left
    }
  }

  async #header(): Promise<ListedEntry> {
    const at = this.#cursor.offset;
    const header = readLocalHeader(viewOf(await this.#cursor.take(localHeaderLength)), 0);
    const name = await this.#cursor.take(header.nameLength);
    const extra = await this.#cursor.take(header.extraLength);
    const raw = latin1(name);
    assertSupported(header, at, raw);
    const fields = readExtraFields(extra, at, raw);
    const utf8 = (header.flags & flag.utf8) !== 0;
    const named = readName({ name, raw, utf8, unicodePath: fields.unicodePath, at }, this.#options.codec.crc32);
    const { size, storedSize } = widenLocal(header, fields.zip64, at, raw);
    const { crc32, flags } = header;
    const place = {
      headerOffset: at,
      dataOffset: this.#cursor.offset,
      end: Number.POSITIVE_INFINITY,
      unicodePath: fields.unicodePath !== undefined,
    };
    const deflated = header.method === method.deflate;
    const kind = { flags, method: header.method, deflated, directory: named.path.endsWith("/") };
    const entry = { ...named, size, storedSize, crc32, ...kind, ...place };
    if (!isDeferred(entry)) {
      assertSizes(entry, at);
      assertEntryLimits(entry, this.#limits);
    }
    return entry;
  }

  async *#body(entry: ListedEntry): AsyncGenerator<Uint8Array> {
    const { codec, signal } = this.#options;
    const deferred = isDeferred(entry);
    const stored = this.#stored(entry, deferred);
    const inflate = entry.deflated ? (deferred ? codec.createOpenEndedInflate(signal) : codec.createInflate(signal)) : undefined;
    let crc32 = 0;
    let size = 0;
    for await (const piece of inflate?.inflate(stored) ?? stored) {
      size += piece.length;
      this.#count(entry, size, piece.length, deferred);
      crc32 = codec.crc32(piece, crc32);
      yield piece;
    }
    const used = inflate?.bytesUsed ?? entry.storedSize;
    const found = { crc32, size, storedSize: used };
    if (deferred) await this.#descriptor(entry, found);
    for (const what of ["size", "storedSize", "crc32"] as const) {
      const left = deferred && entry[what] === 0;
      if (!left && entry[what] !== found[what])
        throw zipFault(
          what === "crc32" ? "INTEGRITY_CRC" : "INTEGRITY_SIZE",
          `the content does not have the ${what} declared`,
          entry.headerOffset,
          entry.path,
        );
    }
    Object.assign(entry, found);
  }

  /** Bounds content while it comes: an entry's own size where it is known, the limits where it is not. */
  #count(entry: ListedEntry, size: number, more: number, deferred: boolean): void {
    this.#total += more;
    if (!deferred && size > entry.size)
      throw zipFault(
        "INTEGRITY_SIZE",
        `the content is longer than the ${entry.size} bytes declared`,
        entry.headerOffset,
        entry.path,
      );
    if (deferred) assertEntryLimits({ ...entry, size, storedSize: this.#cursor.offset - entry.dataOffset }, this.#limits);
    if (this.#total > this.#limits.totalBytes)
      throw new BackupError("LIMIT_TOTAL_BYTES", `the archive unpacks to more than ${this.#limits.totalBytes} bytes`);
  }

  async *#stored(entry: ListedEntry, deferred: boolean): AsyncGenerator<Uint8Array> {
    const end = deferred ? Number.POSITIVE_INFINITY : entry.dataOffset + entry.storedSize;
    while (this.#cursor.offset < end) {
      this.#options.signal?.throwIfAborted();
      const piece = await this.#cursor.next(Math.min(pieceLength, end - this.#cursor.offset));
      if (piece === undefined && deferred) return; // the inflater knows whether this is its end
      if (piece === undefined)
        throw zipFault("ZIP_TRUNCATED", "the stream ends in the middle of the entry", this.#cursor.offset, entry.path);
      yield piece;
    }
  }

  /** Goes back to where the compressed stream ended; one of the four forms must say what was found, and a record must follow it. */
  async #descriptor(entry: ListedEntry, found: { crc32: number; size: number; storedSize: number }): Promise<void> {
    this.#cursor.moveTo(entry.dataOffset + found.storedSize);
    for (const length of [16, 24, 12, 20]) {
      const bytes = await this.#cursor.peek(length + 4);
      if (bytes.length < length + 4 || !headerRecords.includes(viewOf(bytes).getUint32(length, true))) continue;
      const stated = readDescriptor(viewOf(bytes), 0, length);
      if (stated?.crc32 !== found.crc32 || stated.size !== found.size || stated.storedSize !== found.storedSize) continue;
      this.#cursor.moveTo(this.#cursor.offset + length);
      return;
    }
    throw zipFault("ZIP_HEADER_MISMATCH", "no data descriptor that fits the content follows it", this.#cursor.offset, entry.path);
  }

  /** Reads what follows the last entry into memory, as far as a directory of these entries can be long, and checks all. */
  async checkDirectory(): Promise<void> {
    const source = await this.#tail();
    const extent = await findDirectory(source);
    if (extent.offset !== this.#cursor.offset)
      throw zipFault("ZIP_AMBIGUOUS", "the directory does not follow the last entry", this.#cursor.offset);
    const listed = await readDirectory(source, extent, { ...this.#options, limits: this.#limits });
    assertListed(listed, source.size, this.#limits);
    listed.sort((a, b) => a.headerOffset - b.headerOffset);
    if (listed.length !== this.#seen.length)
      throw zipFault("ZIP_AMBIGUOUS", `${this.#seen.length} entries were read and ${listed.length} are listed`, extent.offset);
    for (const [i, entry] of listed.entries()) assertSame(entry, this.#seen[i]!);
  }

  async #tail(): Promise<ByteSource> {
    const start = this.#cursor.offset;
    const behind = this.#cursor.behind(0);
    const parts = [behind.bytes.subarray(0, start - behind.offset)];
    let end = start;
    for (let piece = await this.#cursor.next(pieceLength); piece !== undefined; piece = await this.#cursor.next(pieceLength)) {
      end += piece.length;
      if (end - start > this.#limits.documentBytes)
        throw new BackupError("LIMIT_ARCHIVE_BYTES", `more than ${this.#limits.documentBytes} bytes follow the last entry`);
      parts.push(piece);
    }
    this.#cursor.offset = start;
    const bytes = concat(parts);
    return { size: end, read: async (offset, length) => bytes.subarray(offset - behind.offset, offset - behind.offset + length) };
  }
}

function isDeferred(entry: ListedEntry): boolean {
  return (entry.flags & flag.descriptor) !== 0;
}

function assertSame(listed: ListedEntry, seen: ListedEntry): void {
  for (const what of ["headerOffset", "path", "rawName", "size", "storedSize", "crc32", "method", "unicodePath"] as const) {
    if (listed[what] !== seen[what])
      throw zipFault("ZIP_HEADER_MISMATCH", `local header and directory differ in ${what}`, seen.headerOffset, seen.path);
  }
  if ((listed.flags ^ seen.flags) & ~flag.compressionHint)
    throw zipFault("ZIP_HEADER_MISMATCH", "local header and directory differ in flags", seen.headerOffset, seen.path);
}
