import { assertRange, type ByteSource } from "./byte-source.ts";
import { BackupError } from "./errors.ts";

/** Bytes of one read of a stream: in Chromium streams that fill the caller's buffers are the fastest way to read a file. */
const pieceLength = 1024 * 1024;

/** A source over a Blob or File, read in place. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(this, offset, length);
      let buffer: ArrayBuffer;
      try {
        buffer = await blob.slice(offset, offset + length).arrayBuffer();
      } catch (cause) {
        throw unreadable(offset, cause);
      }
      signal?.throwIfAborted();
      if (buffer.byteLength !== length) throw short(buffer.byteLength, length, offset);
      return new Uint8Array(buffer);
    },
    async *stream(offset, length, signal) {
      assertRange(this, offset, length);
      if (length > 0) yield* streamed(blob, offset, length, signal);
    },
  };
}

async function* streamed(blob: Blob, offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = readerOf(blob.slice(offset, offset + length));
  const read = (done: number) => {
    const piece = reader.read(Math.min(pieceLength, length - done));
    piece.catch(() => undefined); // it is awaited later, or never when the reader stops early
    return piece;
  };
  let done = 0;
  try {
    for (let next = read(0); done < length; ) {
      signal?.throwIfAborted();
      const { value } = await next.catch((cause) => {
        throw unreadable(offset + done, cause);
      });
      if (value === undefined || value.length === 0) throw short(done, length, offset);
      done += value.length;
      if (done < length) next = read(done);
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it has failed or ended already
  }
}

interface PieceReader {
  read(length: number): Promise<{ value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** Not every browser's files fill the caller's buffers. */
function readerOf(blob: Blob): PieceReader {
  const stream = blob.stream();
  try {
    const reader = stream.getReader({ mode: "byob" });
    return { read: (length) => reader.read(new Uint8Array(length)), cancel: () => reader.cancel() };
  } catch {
    const reader = stream.getReader();
    return { read: () => reader.read(), cancel: () => reader.cancel() };
  }
}

function unreadable(offset: number, cause: unknown): BackupError {
  const message = "the file could not be read; it may have been moved or changed";
  return new BackupError("IO_SOURCE", message, { offset }, { cause });
}

function short(found: number, length: number, offset: number): BackupError {
  return new BackupError("IO_SOURCE", `the file gave ${found} of ${length} bytes at ${offset}`, { offset });
}
