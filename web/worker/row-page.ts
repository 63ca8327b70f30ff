import type { RowPage } from "./protocol.ts";

/** A page holds no more text than this, nor a row more than that. */
const pageBytes = 8 * 1024 * 1024;
const rowBytes = 256 * 1024;

const decoder = new TextDecoder();

/** The rows asked for, as they are passed. */
export class Page {
  readonly from: number;
  readonly #count: number;
  readonly #rows: string[] = [];
  readonly #cut: number[] = [];
  #bytes = 0;
  /** Number of the next row that is passed. */
  row = 0;

  constructor(from: number, count: number) {
    this.from = from;
    this.#count = count;
  }

  get full(): boolean {
    return this.#rows.length >= this.#count || this.#bytes > pageBytes;
  }

  /** Whether more rows are wanted. */
  take(bytes: Uint8Array): boolean {
    if (this.full) return false;
    if (this.row++ < this.from) return true;
    if (bytes.length > rowBytes) this.#cut.push(this.#rows.length);
    this.#rows.push(decoder.decode(bytes.subarray(0, rowBytes)));
    this.#bytes += Math.min(bytes.length, rowBytes);
    return !this.full;
  }

  result(total: number): RowPage {
    return { from: this.from, total, rows: this.#rows, cut: this.#cut };
  }
}
