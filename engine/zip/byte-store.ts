const chunkLength = 64 * 1024;

/** Keeps many short pieces one behind the other: a buffer for each of 70,000 headers takes several times their bytes. */
export class ByteStore {
  readonly #chunks: Uint8Array[] = [];
  #last = new Uint8Array(0);
  #room = 0;
  length = 0;

  add(bytes: Uint8Array): void {
    if (bytes.length > this.#room) this.#grow(bytes.length);
    this.#last.set(bytes, this.#last.length - this.#room);
    this.#room -= bytes.length;
    this.length += bytes.length;
  }

  #grow(least: number): void {
    if (this.#last.length > 0) this.#chunks.push(this.#last.subarray(0, this.#last.length - this.#room));
    this.#last = new Uint8Array(Math.max(chunkLength, least));
    this.#room = this.#last.length;
  }

  /** All pieces in order, joined as they lie. */
  *chunks(): Generator<Uint8Array> {
    yield* this.#chunks;
    yield this.#last.subarray(0, this.#last.length - this.#room);
  }
}
