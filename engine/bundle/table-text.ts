const open = 0x5b;
const close = 0x5d;
const comma = 0x2c;
const newline = 0x0a;
/** `,` newline before a row, and newline `]` newline should it be the last. */
const reserve = 5;

/**
 * Gathers rows into canonical table text: `[` newline, rows joined by `,` newline, newline `]` newline. Rows are copied
 * into large chunks, since a chunk a row costs more in every stage behind than the copy.
 */
export class TableText {
  rows = 0;
  bytes = 0;
  readonly #chunkBytes: number;
  #chunk: Uint8Array;
  #used = 0;

  constructor(chunkBytes = 256 * 1024) {
    this.#chunkBytes = chunkBytes;
    this.#chunk = new Uint8Array(chunkBytes);
    this.#chunk[this.#used++] = open;
    this.#chunk[this.#used++] = newline;
  }

  /** Adds one row's JSON text, no line end. Gives a chunk when one is full; the caller owns it. */
  add(row: Uint8Array): Uint8Array | null {
    const full = this.#used + row.length + reserve > this.#chunk.length ? this.#take(row.length + reserve) : null;
    if (this.rows++ > 0) {
      this.#chunk[this.#used++] = comma;
      this.#chunk[this.#used++] = newline;
    }
    this.#chunk.set(row, this.#used);
    this.#used += row.length;
    return full;
  }

  /** The last chunk. */
  end(): Uint8Array {
    const tail = this.rows > 0 ? [newline, close, newline] : [close, newline];
    if (this.#used + tail.length > this.#chunk.length) throw new RangeError("no room was kept for the end of the table");
    this.#chunk.set(tail, this.#used);
    this.#used += tail.length;
    return this.#take(0);
  }

  #take(next: number): Uint8Array {
    const full = this.#chunk.subarray(0, this.#used);
    this.bytes += this.#used;
    this.#chunk = new Uint8Array(Math.max(this.#chunkBytes, next));
    this.#used = 0;
    return full;
  }
}
