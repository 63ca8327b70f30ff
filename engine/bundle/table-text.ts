import { takeBlock } from "../block-pool.ts";
import { utf8 } from "../bytes.ts";

const opening = utf8("[\n");
const separator = utf8(",\n");
const closing = { empty: utf8("]\n"), rows: utf8("\n]\n") };

/**
 * Gathers rows into canonical table text: `[` newline, rows joined by `,` newline, newline `]` newline. Rows are copied
 * into blocks of the pool, since a chunk a row costs more in every stage behind than the copy.
 */
export class TableText {
  rows = 0;
  readonly #newBlock: () => Uint8Array;
  readonly #full: Uint8Array[] = [];
  #block: Uint8Array;
  #used = 0;

  constructor(newBlock: () => Uint8Array = takeBlock) {
    this.#newBlock = newBlock;
    this.#block = newBlock();
    this.#put(opening);
  }

  /** Adds one row's JSON text, no line end. */
  add(row: Uint8Array): void {
    if (this.rows++ > 0) this.#put(separator);
    this.#put(row);
  }

  /** The text is whole: nothing may be added any more. */
  end(): void {
    this.#put(this.rows > 0 ? closing.rows : closing.empty);
    if (this.#used > 0) this.#full.push(this.#block.subarray(0, this.#used));
    this.#used = 0;
  }

  /** Whether there is a block to take. */
  get full(): boolean {
    return this.#full.length > 0;
  }

  /** The blocks that are full, handed over; after `end`, all that is left. */
  *blocks(): Generator<Uint8Array> {
    for (let block = this.#full.shift(); block !== undefined; block = this.#full.shift()) yield block;
  }

  #put(bytes: Uint8Array): void {
    let rest = bytes;
    while (this.#used + rest.length >= this.#block.length) {
      const room = this.#block.length - this.#used;
      this.#block.set(rest.subarray(0, room), this.#used);
      this.#full.push(this.#block);
      this.#block = this.#newBlock();
      this.#used = 0;
      rest = rest.subarray(room);
    }
    this.#block.set(rest, this.#used);
    this.#used += rest.length;
  }
}
