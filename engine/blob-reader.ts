import { BackupError } from "./errors.ts";

/** All of a Blob, which should have `length` bytes; `offset` is where it lies in its file, for errors. */
export async function readWhole(blob: Blob, offset: number, length: number): Promise<Uint8Array> {
  const buffer = await blob.arrayBuffer().catch((cause) => {
    throw unreadable(offset, cause);
  });
  if (buffer.byteLength !== length) throw short(buffer.byteLength, length, offset);
  return new Uint8Array(buffer);
}

/** Reads a Blob from its beginning on. */
export interface FillingReader {
  /** Exactly the next `length` bytes, in the buffer that is handed over where the browser can do that. */
  fill(buffer: ArrayBuffer, length: number, offset: number): Promise<Uint8Array>;
  cancel(): Promise<void>;
}

/** Not every browser's files fill the caller's buffers. */
export function fillingReader(blob: Blob): FillingReader {
  const stream = blob.stream();
  try {
    return new ByobReader(stream.getReader({ mode: "byob" }));
  } catch {
    let at = 0;
    return {
      fill: (_buffer, length, offset) => {
        at += length;
        return readWhole(blob.slice(at - length, at), offset, length);
      },
      cancel: () => stream.cancel(),
    };
  }
}

/** Chromium holds a reader that waits for a file only weakly: with everybody who awaits it, it is collected as garbage and never answers. */
const waiting = new Set<ReadableStreamBYOBReader>();

class ByobReader implements FillingReader {
  readonly #reader: ReadableStreamBYOBReader;

  constructor(reader: ReadableStreamBYOBReader) {
    this.#reader = reader;
  }

  async fill(buffer: ArrayBuffer, length: number, offset: number): Promise<Uint8Array> {
    waiting.add(this.#reader);
    return this.#filled(buffer, length, offset).finally(() => waiting.delete(this.#reader));
  }

  async #filled(buffer: ArrayBuffer, length: number, offset: number): Promise<Uint8Array> {
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
