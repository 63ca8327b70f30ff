import { assertRange, type ByteSource } from "./byte-source.ts";
import { BackupError } from "./errors.ts";

/** Bytes of a piece of a stream. */
const pieceLength = 1024 * 1024;
/** A piece stays as it is until two more have been asked for; one more is being read. */
const ringLength = 3;
/** Shorter reads are not worth the stream that fills a buffer of the caller's. */
const reusedFrom = 256 * 1024;
/** All buffers have this size, so that each fits every read; longer reads are rare and take memory of their own. */
const bufferLength = 4 * 1024 * 1024;

/** A source over a Blob or File, read in place. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(this, offset, length);
      const bytes = await readWhole(blob, offset, length);
      signal?.throwIfAborted();
      return bytes;
    },
  };
}

/**
 * The same for whoever reads all of a large file and keeps nothing of it: fresh memory for every read takes longer than the reading. Buffers
 * that were given back (`release`) are filled again, and so are those of a stream's pieces.
 */
export function scannedBlobSource(blob: Blob): ByteSource {
  const idle: ArrayBuffer[] = [];
  const plain = blobSource(blob);
  return {
    size: blob.size,
    async read(offset, length, signal) {
      if (length < reusedFrom) return plain.read(offset, length, signal);
      signal?.throwIfAborted();
      assertRange(this, offset, length);
      const buffer = length > bufferLength ? new ArrayBuffer(length) : (idle.pop() ?? new ArrayBuffer(bufferLength));
      const reader = readerOf(blob.slice(offset, offset + length));
      const bytes = await reader.fill(buffer, length, offset).finally(() => reader.cancel());
      signal?.throwIfAborted();
      return bytes;
    },
    release(bytes) {
      if (bytes.buffer.byteLength === bufferLength) idle.push(bytes.buffer as ArrayBuffer);
    },
    async *stream(offset, length, signal) {
      assertRange(this, offset, length);
      if (length > 0) yield* streamed(blob, offset, length, signal);
    },
  };
}

async function readWhole(blob: Blob, offset: number, length: number): Promise<Uint8Array> {
  const buffer = await blob
    .slice(offset, offset + length)
    .arrayBuffer()
    .catch((cause) => {
      throw unreadable(offset, cause);
    });
  if (buffer.byteLength !== length) throw short(buffer.byteLength, length, offset);
  return new Uint8Array(buffer);
}

async function* streamed(blob: Blob, offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = readerOf(blob.slice(offset, offset + length));
  const ring: ArrayBuffer[] = [];
  const read = (at: number) => {
    const size = Math.min(pieceLength, length - at);
    const buffer = ring.length < ringLength ? new ArrayBuffer(size) : ring.shift()!;
    const piece = reader.fill(buffer, size, offset + at);
    piece.catch(() => undefined); // it is awaited later, or never when the reader stops early
    return piece;
  };
  try {
    for (let done = 0, next = read(0); done < length; ) {
      signal?.throwIfAborted();
      const piece = await next;
      ring.push(piece.buffer as ArrayBuffer);
      done += piece.length;
      if (done < length) next = read(done);
      yield piece;
    }
  } finally {
    await reader.cancel();
  }
}

interface FillingReader {
  /** Exactly `length` bytes, in the buffer that is handed over where the browser can do that. */
  fill(buffer: ArrayBuffer, length: number, offset: number): Promise<Uint8Array>;
  cancel(): Promise<void>;
}

/** Not every browser's files fill the caller's buffers. */
function readerOf(blob: Blob): FillingReader {
  const stream = blob.stream();
  try {
    return new ByobReader(stream.getReader({ mode: "byob" }));
  } catch {
    let at = 0;
    return {
      fill: async (_buffer, length, offset) => {
        at += length;
        const part = blob.slice(at - length, at);
        return readWhole(part, 0, length).catch((cause) => {
          throw unreadable(offset, cause);
        });
      },
      cancel: () => stream.cancel(),
    };
  }
}

class ByobReader implements FillingReader {
  readonly #reader: ReadableStreamBYOBReader;

  constructor(reader: ReadableStreamBYOBReader) {
    this.#reader = reader;
  }

  async fill(buffer: ArrayBuffer, length: number, offset: number): Promise<Uint8Array> {
    let filled = 0;
    for (let own = buffer; ; ) {
      const { value } = await this.#read(new Uint8Array(own, filled, length - filled)).catch((cause) => {
        throw unreadable(offset, cause);
      });
      if (value === undefined || value.length === 0) throw short(filled, length, offset);
      filled += value.length;
      own = value.buffer as ArrayBuffer;
      if (filled === length) return new Uint8Array(own, 0, length);
    }
  }

  /** Whole, where the browser knows how to wait for it: fewer, larger steps. */
  #read(view: Uint8Array<ArrayBuffer>): Promise<{ value?: Uint8Array | undefined }> {
    const reader = this.#reader as unknown as {
      read(into: Uint8Array, options: { min: number }): Promise<{ value?: Uint8Array }>;
    };
    return reader.read(view, { min: view.length });
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined); // it has failed or ended already
  }
}

function unreadable(offset: number, cause: unknown): BackupError {
  const message = "the file could not be read; it may have been moved or changed";
  return new BackupError("IO_SOURCE", message, { offset }, { cause });
}

function short(found: number, length: number, offset: number): BackupError {
  return new BackupError("IO_SOURCE", `the file gave ${found} of ${length} bytes at ${offset}`, { offset });
}
