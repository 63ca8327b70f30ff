/** What a scanner of arriving bytes found incomplete, at the start of a buffer that is used again and again: a fresh one a piece costs more than the scan. */
export class PendingBytes {
  readonly #most: number;
  #buffer = new Uint8Array(0);
  #length = 0;
  /** Looked at again once the bytes have doubled: large rows stay linear. */
  #wanted = 0;
  /** Bytes before the pending ones. */
  done = 0;

  /** `most`: bytes of a row, beyond which it is looked at in any case. */
  constructor(most: number) {
    this.#most = most;
  }

  /** What to scan now that `chunk` has come, valid until `keep`; nothing while too few bytes wait. */
  with(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#length === 0) return chunk;
    this.#append(chunk);
    return this.#length >= this.#wanted ? this.rest() : undefined;
  }

  /** All that waits. */
  rest(): Uint8Array | undefined {
    return this.#length === 0 ? undefined : this.#buffer.subarray(0, this.#length);
  }

  /** Keeps scanned bytes from the position `from` on. */
  keep(bytes: Uint8Array, from: number): void {
    const left = bytes.subarray(from);
    this.done += from;
    this.#length = 0;
    if (left.buffer !== this.#buffer.buffer) this.#append(left);
    else {
      this.#buffer.copyWithin(0, left.byteOffset, left.byteOffset + left.length);
      this.#length = left.length;
    }
    this.#wanted = Math.min(left.length * 2, this.#most + 1);
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }
}
