import { utf8 } from "../../bytes.ts";
import { ColumnLookup, type RowFields, textOf } from "../../json/row.ts";

const decoder = new TextDecoder();
/** As `row_to_json` writes a point in time, whose zone is UTC. */
const instant = /^(\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00(?::00)?|Z)$/;
const dateColumn = /(_at|_date)$/;

/**
 * A row's JSON with its values as SQLite has them: 0 and 1 for booleans, ISO dates with milliseconds and `Z`, JSON as text. All other
 * values keep their bytes.
 */
export class SqliteRow {
  readonly #lookup = new ColumnLookup([]);
  readonly #isDate: boolean[] = [];
  #out = new Uint8Array(64 * 1024);
  #used = 0;

  /** Valid until the next call. */
  of(bytes: Uint8Array, fields: RowFields): Uint8Array {
    this.#used = 0;
    this.#byte(0x7b);
    for (let i = 0; i < fields.count; i++) {
      if (i > 0) this.#byte(0x2c);
      this.#put(bytes, fields.keyStart[i]!, fields.keyEnd[i]!);
      this.#byte(0x3a);
      this.#value(bytes, fields, i);
    }
    this.#byte(0x7d);
    return this.#out.subarray(0, this.#used);
  }

  #value(bytes: Uint8Array, fields: RowFields, i: number): void {
    const [start, end] = [fields.valueStart[i]!, fields.valueEnd[i]!];
    const first = bytes[start];
    if (first === 0x74) this.#byte(0x31);
    else if (first === 0x66) this.#byte(0x30);
    else if (first === 0x7b || first === 0x5b) this.#all(jsonText(bytes.subarray(start, end)));
    else if (first === 0x22 && this.#dated(bytes, fields, i)) this.#all(isoDate(bytes.subarray(start, end)));
    else this.#put(bytes, start, end);
  }

  #dated(bytes: Uint8Array, { keyStart, keyEnd }: RowFields, i: number): boolean {
    const known = this.#lookup.find(bytes, keyStart[i]!, keyEnd[i]!, i);
    if (known !== -1) return this.#isDate[known]!;
    const name = textOf(bytes, keyStart[i]!, keyEnd[i]!);
    this.#lookup.add(name, this.#isDate.length);
    this.#isDate.push(dateColumn.test(name));
    return dateColumn.test(name);
  }

  #all(bytes: Uint8Array): void {
    this.#put(bytes, 0, bytes.length);
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    // Most names and values are short: a call costs more than the copy.
    if (end - start > 64) this.#out.set(bytes.subarray(start, end), this.#used);
    else for (let p = start, at = this.#used; p < end; p++, at++) this.#out[at] = bytes[p]!;
    this.#used += end - start;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#out[this.#used++] = byte;
  }

  #reserve(more: number): void {
    if (this.#used + more <= this.#out.length) return;
    const larger = new Uint8Array(2 * (this.#used + more));
    larger.set(this.#out.subarray(0, this.#used));
    this.#out = larger;
  }
}

/** A document becomes a text; one that Holdall wraps to keep its exact text (docs/format.md, "Values") is that text. */
function jsonText(value: Uint8Array): Uint8Array {
  const text = decoder.decode(value);
  const wrapped = /^\{"\$json":("(?:[^"\\]|\\.)*")\}$/.exec(text)?.[1];
  return utf8(wrapped ?? JSON.stringify(text));
}

function isoDate(value: Uint8Array): Uint8Array {
  // 26 bytes in quotes, Z at the end: as it should be already.
  if (value.length === 26 && value[24] === 0x5a && value[20] === 0x2e) return value;
  const found = instant.exec(textOf(value, 0, value.length));
  if (found === null) return value;
  const [, seconds, fraction = ""] = found;
  return utf8(`"${seconds}.${fraction.slice(0, 3).padEnd(3, "0")}Z"`);
}
