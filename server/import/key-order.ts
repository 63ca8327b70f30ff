import type { RowFields } from "../../engine/json/row.ts";
import type { CatalogColumn } from "../database/catalog.ts";

const quote = 0x22;
const uuidBytes = 38;

/**
 * Sees whether each row's primary key is greater than the one before, as in every bundle that Holdall writes: then no key is there
 * twice, and PostgreSQL need not look. Only for types whose texts are in the order of their values; anything unusual is "no".
 */
export class KeyOrder {
  ascending: boolean;
  #before = new Uint8Array(0);
  #current = new Uint8Array(0);

  constructor(key: readonly CatalogColumn[]) {
    this.ascending = key.length > 0 && key.every(({ type }) => /^(uuid|smallint|integer|bigint)$/.test(type));
    // A uuid, or 20 digits of a number: each fills its place.
    this.#before = new Uint8Array(key.length * uuidBytes);
    this.#current = new Uint8Array(key.length * uuidBytes);
  }

  /** `columns` are places in `found`, which says where each column's value is among the row's fields. */
  next(bytes: Uint8Array, fields: RowFields, columns: readonly number[], found: Int32Array): void {
    for (let k = 0; k < columns.length && this.ascending; k++) {
      const field = found[columns[k]!]!;
      this.ascending = field !== -1 && this.#take(bytes, fields.valueStart[field]!, fields.valueEnd[field]!, k * uuidBytes);
    }
    if (!this.ascending) return;
    this.ascending = isGreater(this.#current, this.#before);
    [this.#before, this.#current] = [this.#current, this.#before];
  }

  #take(bytes: Uint8Array, start: number, end: number, at: number): boolean {
    const [length, place] = [end - start, this.#current];
    if (bytes[start] === quote) {
      if (length !== uuidBytes) return false;
      for (let i = 0; i < length; i++) {
        const byte = bytes[start + i]!;
        // Upper case would be another text of the same value.
        if (byte >= 0x41 && byte <= 0x5a) return false;
        place[at + i] = byte;
      }
      return true;
    }
    if (length > 19) return false;
    place.fill(0, at, at + uuidBytes - length);
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i]!;
      if (byte < 0x30 || byte > 0x39) return false;
      place[at + uuidBytes - length + i] = byte;
    }
    return true;
  }
}

function isGreater(one: Uint8Array, other: Uint8Array): boolean {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return one[i]! > other[i]!;
  return false;
}
