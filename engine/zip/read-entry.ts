import { type ByteSource, pieceLength } from "../byte-source.ts";
import type { Codec } from "../codec.ts";
import { BackupError, type ErrorCode } from "../errors.ts";
import type { ZipEntry } from "./entry.ts";
import { zipFault } from "./fault.ts";

/** Entries up to this size are read and inflated in one piece: a stream would cost more than the work. */
const wholeLimit = 1024 * 1024;

/**
 * The content of an entry, its size and CRC checked: the last piece is given only after the check. Fails with `ZIP_BAD_RECORD`
 * (damaged deflate stream), `INTEGRITY_SIZE`, `INTEGRITY_CRC`, `IO_SOURCE` or `signal.reason`.
 */
export async function* readEntry(
  source: ByteSource,
  entry: ZipEntry,
  codec: Codec,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  if (entry.size <= wholeLimit && entry.storedSize <= wholeLimit) {
    const whole = await readWhole(source, entry, codec, signal);
    if (whole.length > 0) yield whole;
    return;
  }
  const stored = readRange(source, entry.dataOffset, entry.storedSize, signal);
  yield* contentOf(stored, entry, codec, signal);
}

async function readWhole(source: ByteSource, entry: ZipEntry, codec: Codec, signal?: AbortSignal): Promise<Uint8Array> {
  const stored = await source.read(entry.dataOffset, entry.storedSize, signal);
  const content = entry.deflated ? await codec.inflate(stored, entry.size) : stored;
  signal?.throwIfAborted();
  if (content === null) throw badDeflate(entry);
  assertCrc(codec.crc32(content), entry);
  return content;
}

/** Reads ahead by one piece, so that reading goes on while the piece before is worked on. */
export async function* readRange(
  source: ByteSource,
  offset: number,
  length: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const end = offset + length;
  const readAt = (at: number) => {
    const piece = source.read(at, Math.min(pieceLength, end - at), signal);
    piece.catch(() => undefined); // it is awaited later, or never when the reader stops early
    return piece;
  };
  let next = length > 0 ? readAt(offset) : undefined;
  for (let at = offset; next !== undefined; ) {
    const piece: Uint8Array = await next;
    at += piece.length;
    next = at < end ? readAt(at) : undefined;
    yield piece;
  }
}

/** The content of an entry whose stored bytes are at hand, checked as `readEntry` does. */
export function contentOf(
  stored: AsyncIterable<Uint8Array>,
  entry: ZipEntry,
  codec: Codec,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return checked(entry.deflated ? inflated(stored, entry, codec, signal) : stored, entry, codec);
}

async function* inflated(
  stored: AsyncIterable<Uint8Array>,
  entry: ZipEntry,
  codec: Codec,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stream = codec.createInflate(signal);
  try {
    yield* stream.inflate(stored);
  } catch (error) {
    if (error instanceof BackupError && error.code === "ZIP_BAD_RECORD") throw badDeflate(entry, error);
    throw error;
  }
  if (stream.bytesUsed !== entry.storedSize) throw badDeflate(entry);
}

/** Passes content on, holding back one piece so that the end is given only once the whole has been found good. */
async function* checked(content: AsyncIterable<Uint8Array>, entry: ZipEntry, codec: Codec): AsyncGenerator<Uint8Array> {
  let crc = 0;
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const piece of content) {
    size += piece.length;
    if (size > entry.size) throw fault("INTEGRITY_SIZE", `the content is longer than the ${entry.size} bytes declared`, entry);
    crc = codec.crc32(piece, crc);
    if (held !== undefined) yield held;
    held = piece;
  }
  if (size !== entry.size) throw fault("INTEGRITY_SIZE", `the content has ${size} bytes and ${entry.size} are declared`, entry);
  assertCrc(crc, entry);
  if (held !== undefined) yield held;
}

export function assertCrc(crc: number, entry: ZipEntry): void {
  if (crc >>> 0 !== entry.crc32) throw fault("INTEGRITY_CRC", "the content does not match its CRC", entry);
}

export function badDeflate(entry: ZipEntry, cause?: BackupError): BackupError {
  const found = `the compressed data is damaged, or is not ${entry.size} bytes from ${entry.storedSize}${cause ? ` (${cause.message})` : ""}`;
  return fault("ZIP_BAD_RECORD", found, entry);
}

function fault(code: ErrorCode, found: string, entry: ZipEntry): BackupError {
  return zipFault(code, found, entry.dataOffset, entry.path, "obtain the archive again");
}
