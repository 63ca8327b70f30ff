import { incomplete, JsonSyntaxError, skipKey, skipSpace, skipValue } from "./scanner.ts";

const maxFields = 1664; // PostgreSQL's own bound on the columns of a result

/** Where the keys and values of one row object lie in its bytes; reused from row to row. Key spans include the quotes. */
export class RowFields {
  count = 0;
  readonly keyStart = new Int32Array(maxFields);
  readonly keyEnd = new Int32Array(maxFields);
  readonly valueStart = new Int32Array(maxFields);
  readonly valueEnd = new Int32Array(maxFields);
}

/** Walks the row object that opens at `position`; gives the position behind it, or `incomplete`. */
export function scanRow(bytes: Uint8Array, position: number, end: number, fields: RowFields): number {
  if (bytes[position] !== 0x7b) throw new JsonSyntaxError("a row is not an object", position);
  fields.count = 0;
  let p = skipSpace(bytes, position + 1, end);
  if (p < end && bytes[p] === 0x7d) return p + 1;
  while (p < end) {
    const n = fields.count;
    if (n === maxFields) throw new JsonSyntaxError(`a row has more than ${maxFields} columns`, p);
    fields.keyStart[n] = p;
    const value = skipKey(bytes, p, end);
    if (value === incomplete) return incomplete;
    fields.keyEnd[n] = keyEnd(bytes, value);
    fields.valueStart[n] = value;
    p = skipValue(bytes, value, end, 1);
    if (p === incomplete) return incomplete;
    fields.valueEnd[n] = p;
    fields.count = n + 1;
    p = skipSpace(bytes, p, end);
    if (p >= end) return incomplete;
    if (bytes[p] === 0x7d) return p + 1;
    if (bytes[p] !== 0x2c) throw new JsonSyntaxError("expected , or } in a row", p);
    p = skipSpace(bytes, p + 1, end);
  }
  return incomplete;
}

/** Back from a value over the colon and white space to behind the key's closing quote. */
export function keyEnd(bytes: Uint8Array, value: number): number {
  let p = value;
  while (bytes[p - 1] !== 0x22) p--;
  return p;
}

/** The text of a key or string span, escapes resolved. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return JSON.parse(utf8.decode(bytes.subarray(start, end))) as string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Maps keys to column numbers; rows of one table nearly always repeat the order of the row before. */
export class ColumnLookup {
  readonly #columns = new Map<string, number>();
  readonly #expected: Uint8Array[] = [];
  readonly #numbers: number[] = [];

  constructor(names: readonly string[]) {
    names.forEach((name, number) => {
      this.#columns.set(name, number);
    });
  }

  add(name: string, number: number): void {
    this.#columns.set(name, number);
    this.#expected.length = 0;
  }

  /** The column's number, or -1 for a key that names none. `place` is the key's place in its row. */
  find(bytes: Uint8Array, start: number, end: number, place: number): number {
    const expected = this.#expected[place];
    if (expected !== undefined && equalBytes(bytes, start, end, expected)) return this.#numbers[place]!;
    const number = this.#columns.get(textOf(bytes, start, end)) ?? -1;
    this.#expected[place] = bytes.slice(start, end);
    this.#numbers[place] = number;
    return number;
  }
}

function equalBytes(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let i = 0; i < other.length; i++) {
    if (bytes[start + i] !== other[i]) return false;
  }
  return true;
}
