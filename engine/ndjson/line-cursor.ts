import type { ByteSource } from "../byte-source.ts";
import { concat } from "../bytes.ts";
import { BackupError } from "../errors.ts";

const newline = 0x0a;

/** Reads lines of a source in windows; memory is one window and one line. */
export class LineCursor {
  /** Offset of the next unread byte. */
  offset: number;
  readonly #source: ByteSource;
  readonly #windowBytes: number;
  readonly #end: number;
  readonly #signal: AbortSignal | undefined;
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;

  constructor(source: ByteSource, range: { offset: number; end: number }, signal?: AbortSignal, windowBytes = 1024 * 1024) {
    this.#source = source;
    this.offset = range.offset;
    this.#end = range.end;
    this.#signal = signal;
    this.#windowBytes = windowBytes;
  }

  get done(): boolean {
    return this.offset >= this.#end;
  }

  /** True where the next line is at hand without reading, so that a loop need not wait. */
  get ready(): boolean {
    const start = this.offset - this.#windowOffset;
    return start >= 0 && start < this.#window.length && this.#window.indexOf(newline, start) !== -1;
  }

  /**
   * The next line without its line end, valid until the next call; only where `ready`.
   */
  take(): Uint8Array {
    const start = this.offset - this.#windowOffset;
    const end = this.#window.indexOf(newline, start);
    this.offset = this.#windowOffset + end + 1;
    return this.#window.subarray(start, end);
  }

  /** Brings the next line into the window. Fails where the source ends within it or it is longer than `limit` bytes. */
  async fill(limit: number): Promise<void> {
    while (!this.ready) {
      const kept = this.#kept();
      if (kept.length > limit) {
        throw new BackupError("LIMIT_ROW_BYTES", `a line at byte ${this.offset} is longer than the limit of ${limit} bytes`, {
          offset: this.offset,
        });
      }
      const next = this.offset + kept.length;
      const length = Math.min(Math.max(this.#windowBytes, kept.length), this.#end - next);
      if (length <= 0) throw truncated(this.offset);
      const read = await this.#source.read(next, length, this.#signal);
      this.#window = kept.length === 0 ? read : concat([kept, read]);
      this.#windowOffset = this.offset;
    }
  }

  #kept(): Uint8Array {
    const start = this.offset - this.#windowOffset;
    return start >= 0 && start < this.#window.length ? this.#window.subarray(start) : new Uint8Array(0);
  }
}

export function truncated(offset: number): BackupError {
  return new BackupError(
    "STREAM_TRUNCATED",
    `the stream ends at byte ${offset} without its $done line: it was cut off; fetch it again`,
    {
      offset,
    },
  );
}
