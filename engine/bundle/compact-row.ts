import type { RowFields } from "../json/row.ts";

/**
 * A row's JSON on one line: no white space around its names and values. Values are its bytes; a line break within one, which can only stand
 * between tokens, becomes a space.
 */
export class CompactRow {
  #out = new Uint8Array(64 * 1024);
  #used = 0;

  /** Valid until the next call. */
  of(bytes: Uint8Array, fields: RowFields, start: number, end: number): Uint8Array {
    this.#used = 0;
    if (this.#out.length < end - start + 2) this.#out = new Uint8Array(2 * (end - start));
    this.#out[this.#used++] = 0x7b;
    for (let i = 0; i < fields.count; i++) {
      if (i > 0) this.#out[this.#used++] = 0x2c;
      this.#put(bytes.subarray(fields.keyStart[i]!, fields.keyEnd[i]!));
      this.#out[this.#used++] = 0x3a;
      this.#value(bytes.subarray(fields.valueStart[i]!, fields.valueEnd[i]!));
    }
    this.#out[this.#used++] = 0x7d;
    return this.#out.subarray(0, this.#used);
  }

  #put(bytes: Uint8Array): void {
    this.#out.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #value(value: Uint8Array): void {
    const at = this.#used;
    this.#put(value);
    if (value[0] !== 0x7b && value[0] !== 0x5b) return;
    for (let p = at; p < this.#used; p++) if (this.#out[p] === 0x0a || this.#out[p] === 0x0d) this.#out[p] = 0x20;
  }
}
