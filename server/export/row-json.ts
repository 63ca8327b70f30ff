import type { CatalogColumn } from "../database/catalog.ts";
import { type KeySet, withoutKeys } from "../scope/without-keys.ts";

/**
 * How a column's text in COPY's text format becomes the JSON that `row_to_json` gives for it: a quoted string, a number unless it is
 * `NaN` or infinite, a boolean, JSON text as it is, or a point in time with its `T`.
 */
export type TextForm = "string" | "number" | "boolean" | "json" | "timestamp" | "timestamptz";

const strings = ["text", "varchar", "bpchar", "name", "uuid", "inet", "cidr", "macaddr", "date", "time", "timetz", "interval"];
const numbers = ["int2", "int4", "int8", "float4", "float8", "numeric"];

const forms = new Map<string, TextForm>([
  ...strings.map((name) => [name, "string"] as const),
  ...numbers.map((name) => [name, "number"] as const),
  ["bool", "boolean"],
  ["json", "json"],
  ["jsonb", "json"],
  ["bytea", "string"],
  ["timestamp", "timestamp"],
  ["timestamptz", "timestamptz"],
]);

/** The form of a column that PostgreSQL need not turn into JSON itself; `undefined` for arrays, composites and all other types. */
export function textForm(column: CatalogColumn): TextForm | undefined {
  if (column.category === "E") return "string";
  return column.builtin === null ? undefined : forms.get(column.builtin);
}

const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const backslash = 0x5c;
const letterN = 0x4e;
const letterT = 0x54;

const encoder = new TextEncoder();
const literals = { null: encoder.encode("null"), true: encoder.encode("true"), false: encoder.encode("false") };
const utcMinutes = encoder.encode(":00");
const hexDigits = encoder.encode("0123456789abcdef");

/** What a letter behind a backslash stands for in COPY text; itself where nothing else. */
const meaning = Uint8Array.from({ length: 256 }, (_, letter) => letter);
for (const [letter, byte] of Object.entries({ b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 })) meaning[letter.charCodeAt(0)] = byte;

/** Bytes of a string that JSON writes as they are. */
const plain = new Uint8Array(256).fill(1, space);
plain[quote] = 0;
plain[backslash] = 0;

/**
 * Rows of COPY's text format as the JSON objects that `row_to_json` makes of them, byte for byte. PostgreSQL takes longer for that
 * than for all else that it does in an export; a look at each byte here takes a third of it.
 */
export class RowJson {
  /** What stands before each value: the opening brace or a comma, and the name. */
  readonly #names: Uint8Array[];
  readonly #forms: TextForm[];
  readonly #keys: (KeySet | undefined)[];
  readonly #namesLength: number;
  #out = new Uint8Array(64 * 1024);
  #used = 0;

  constructor(columns: readonly { name: string; form: TextForm; withoutKeys?: KeySet | undefined }[]) {
    this.#names = columns.map(({ name }, i) => encoder.encode(`${i === 0 ? "{" : ","}${JSON.stringify(name)}:`));
    this.#forms = columns.map(({ form }) => form);
    this.#keys = columns.map(({ withoutKeys }) => withoutKeys);
    this.#namesLength = this.#names.reduce((sum, name) => sum + name.length, 0);
  }

  /** The JSON of a row, which ends in a newline; valid until the next call. */
  object(row: Uint8Array): Uint8Array {
    // A control character becomes six bytes.
    this.#reserve(this.#namesLength + row.length * 6 + 16);
    this.#used = 0;
    let p = 0;
    for (let column = 0; column < this.#names.length; column++) {
      this.#put(this.#names[column]!);
      const start = this.#used;
      p = this.#value(row, p, this.#forms[column]!) + 1;
      const keys = this.#keys[column];
      if (keys !== undefined) this.#strip(start, keys);
    }
    this.#out[this.#used++] = 0x7d;
    return this.#out.subarray(0, this.#used);
  }

  /** What was written since `start` is a document that loses the members of these keys. */
  #strip(start: number, keys: KeySet): void {
    const stripped = withoutKeys(this.#out, start, this.#used, keys);
    if (stripped === null) return;
    this.#used = start;
    this.#put(stripped);
  }

  #reserve(length: number): void {
    if (length > this.#out.length) this.#out = new Uint8Array(2 * length);
  }

  #put(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.#out[this.#used++] = bytes[i]!;
  }

  /** Writes the value at `p`; gives the place of the tab or newline behind it. */
  #value(row: Uint8Array, p: number, form: TextForm): number {
    if (row[p] === backslash && row[p + 1] === letterN) {
      this.#put(literals.null);
      return p + 2;
    }
    if (form === "string") return this.#string(row, p);
    if (form === "json") return this.#json(row, p);
    if (form === "number") return this.#number(row, p);
    if (form === "boolean") {
      this.#put(row[p] === 0x74 ? literals.true : literals.false);
      return p + 1;
    }
    return this.#time(row, p, form === "timestamptz");
  }

  /** Most of COPY's escapes are those of JSON. */
  #string(row: Uint8Array, start: number): number {
    const out = this.#out;
    let used = this.#used;
    let p = start;
    out[used++] = quote;
    for (;;) {
      const c = row[p]!;
      if (plain[c] === 1) out[used++] = c;
      else if (c === tab || c === newline) break;
      else if (c === backslash) {
        const letter = row[++p]!;
        if (letter === 0x76) used = controlCharacter(out, used, meaning[letter]!);
        else {
          out[used++] = backslash;
          out[used++] = letter;
        }
      } else if (c === quote) {
        out[used++] = backslash;
        out[used++] = quote;
      } else used = controlCharacter(out, used, c);
      p++;
    }
    out[used++] = quote;
    this.#used = used;
    return p;
  }

  /** Between the tokens of JSON a line break means what a space means; within strings it is always escaped. */
  #json(row: Uint8Array, start: number): number {
    const out = this.#out;
    let used = this.#used;
    let p = start;
    for (;;) {
      const c = row[p]!;
      if (c === backslash) {
        const byte = meaning[row[++p]!]!;
        out[used++] = byte === newline || byte === carriageReturn ? space : byte;
      } else if (c === tab || c === newline) break;
      else out[used++] = c;
      p++;
    }
    this.#used = used;
    return p;
  }

  #number(row: Uint8Array, start: number): number {
    let end = start;
    while (row[end]! > newline) end++;
    const last = row[end - 1]!;
    const isNumber = last >= 0x30 && last <= 0x39;
    if (!isNumber) this.#out[this.#used++] = quote;
    for (let p = start; p < end; p++) this.#out[this.#used++] = row[p]!;
    if (!isNumber) this.#out[this.#used++] = quote;
    return end;
  }

  /** `2026-01-02 03:04:05.6+00`, perhaps with ` BC` behind it, or `infinity`; the session's zone is UTC. */
  #time(row: Uint8Array, start: number, zoned: boolean): number {
    const out = this.#out;
    out[this.#used++] = quote;
    let p = start;
    let spaces = 0;
    for (; row[p]! > newline; p++) {
      const c = row[p]!;
      if (c === space && spaces++ === 0) out[this.#used++] = letterT;
      else {
        // Behind the zone: at the second space, before BC.
        if (c === space && zoned) this.#put(utcMinutes);
        out[this.#used++] = c;
      }
    }
    if (zoned && spaces === 1) this.#put(utcMinutes);
    out[this.#used++] = quote;
    return p;
  }
}

function controlCharacter(out: Uint8Array, at: number, c: number): number {
  out[at] = backslash;
  out[at + 1] = 0x75;
  out[at + 2] = 0x30;
  out[at + 3] = 0x30;
  out[at + 4] = hexDigits[c >> 4]!;
  out[at + 5] = hexDigits[c & 15]!;
  return at + 6;
}
