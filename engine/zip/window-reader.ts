import type { ByteSource } from "../byte-source.ts";

/**
 * Sequential access over a source by windows, so that many small records cost one read. A range is at most as long as
 * the records that ask for it; the window bounds the memory.
 */
export class WindowReader {
  readonly #source: ByteSource;
  readonly #end: number;
  readonly #windowLength: number;
  readonly #signal: AbortSignal | undefined;
  #window = new Uint8Array(0);
  #start = 0;

  /** Reads nothing at or beyond `end`. */
  constructor(source: ByteSource, end: number, windowLength: number, signal?: AbortSignal) {
    this.#source = source;
    this.#end = end;
    this.#windowLength = windowLength;
    this.#signal = signal;
  }

  /** Whether `length` bytes at `offset` are in the window already. */
  has(offset: number, length: number): boolean {
    return offset >= this.#start && offset + length <= this.#start + this.#window.length;
  }

  /** `length` bytes at `offset`, valid until the next call of `fill`; only after `has` said so. */
  at(offset: number, length: number): Uint8Array {
    return this.#window.subarray(offset - this.#start, offset - this.#start + length);
  }

  /** Moves the window to `offset`: at least `length` bytes, more where the window is longer. */
  async fill(offset: number, length: number): Promise<void> {
    const wanted = Math.min(Math.max(length, this.#windowLength), this.#end - offset);
    this.#window = (await this.#source.read(offset, Math.max(wanted, length), this.#signal)) as Uint8Array<ArrayBuffer>;
    this.#start = offset;
  }
}
