import { textOf } from "../../engine/json/row.ts";
import { skipSpace, skipString, skipValue } from "../../engine/json/scanner.ts";
import { wrappedText } from "../import/wrapped-json.ts";

const quote = 0x22;
const colon = 0x3a;
const comma = 0x2c;
const hyphen = 0x2d;
const underscore = 0x5f;

/** A key as it is compared: `API-Key` and `apiKey` are `apikey`. */
export function normalKey(key: string): string {
  return key.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Keys of JSON objects, recognised whatever their letter case, hyphens and underscores. */
export class KeySet {
  readonly #keys: ReadonlySet<string>;
  /** By lower-case first byte: most keys of a document need no second look. */
  readonly #first = new Uint8Array(256);
  readonly #longest: number;

  constructor(keys: readonly string[]) {
    this.#keys = new Set(keys.map(normalKey));
    for (const key of this.#keys) this.#first[key.charCodeAt(0)] = 1;
    // With a hyphen between any two letters.
    this.#longest = 2 + 2 * Math.max(0, ...[...this.#keys].map((key) => key.length));
  }

  /** The quoted key in `bytes[start, end)`. */
  has(bytes: Uint8Array, start: number, end: number): boolean {
    const first = bytes[start + 1]!;
    const isLikely = this.#first[first | 0x20] === 1 || first === 0x5c || first === hyphen || first === underscore;
    // Escapes make a key as long as they please.
    if (!isLikely || (end - start > this.#longest && bytes.indexOf(0x5c, start) === -1)) return false;
    return this.#keys.has(normalKey(textOf(bytes, start, end)));
  }
}

/**
 * The JSON value in `bytes[start, end)`, which has been validated, without the members of these keys, at any depth and also within a
 * document that is wrapped as text; `null` where it has none.
 */
export function withoutKeys(bytes: Uint8Array, start: number, end: number, keys: KeySet): Uint8Array | null {
  const wrapped = wrappedText(bytes, start, end);
  if (wrapped === null) return hasKey(bytes, start, end, keys) ? new Stripper(bytes, keys).value(start, end) : null;
  const text = encoder.encode(textOf(bytes, wrapped.start - 1, wrapped.end + 1));
  const stripped = withoutKeys(text, skipSpace(text, 0, text.length), text.length, keys);
  return stripped === null ? null : encoder.encode(JSON.stringify({ $json: new TextDecoder().decode(stripped) }));
}

function hasKey(bytes: Uint8Array, start: number, end: number, keys: KeySet): boolean {
  for (let p = bytes.indexOf(quote, start); p !== -1 && p < end; p = bytes.indexOf(quote, p)) {
    const behind = skipString(bytes, p, end);
    if (bytes[skipSpace(bytes, behind, end)] === colon && keys.has(bytes, p, behind)) return true;
    p = behind;
  }
  return false;
}

/** Writes a value anew; what remains is copied as it stands. */
class Stripper {
  readonly #bytes: Uint8Array;
  readonly #keys: KeySet;
  #out = new Uint8Array(0);
  #used = 0;

  constructor(bytes: Uint8Array, keys: KeySet) {
    this.#bytes = bytes;
    this.#keys = keys;
  }

  value(start: number, end: number): Uint8Array {
    this.#out = new Uint8Array(end - start);
    this.#value(start, end);
    return this.#out.subarray(0, this.#used);
  }

  #value(start: number, end: number): number {
    const first = this.#bytes[start];
    if (first === 0x7b) return this.#members(start, end, 0x7d);
    if (first === 0x5b) return this.#members(start, end, 0x5d);
    const behind = scalarEnd(this.#bytes, start, end);
    this.#copy(start, behind);
    return behind;
  }

  /** An object's members or an array's items, between its brackets. */
  #members(start: number, end: number, close: number): number {
    this.#copy(start, start + 1);
    let written = 0;
    let p = skipSpace(this.#bytes, start + 1, end);
    while (this.#bytes[p] !== close) {
      const member = p;
      const value = close === 0x7d ? this.#valueOf(member, end) : member;
      const drop = close === 0x7d && this.#keys.has(this.#bytes, member, skipString(this.#bytes, member, end));
      if (drop) p = valueEnd(this.#bytes, value, end);
      else {
        if (written++ > 0) this.#byte(comma);
        this.#copy(member, value);
        p = this.#value(value, end);
      }
      p = skipSpace(this.#bytes, p, end);
      if (this.#bytes[p] === comma) p = skipSpace(this.#bytes, p + 1, end);
    }
    this.#byte(close);
    return p + 1;
  }

  /** From a key to its value. */
  #valueOf(key: number, end: number): number {
    const behind = skipSpace(this.#bytes, skipString(this.#bytes, key, end), end);
    return skipSpace(this.#bytes, behind + 1, end);
  }

  #copy(start: number, end: number): void {
    this.#out.set(this.#bytes.subarray(start, end), this.#used);
    this.#used += end - start;
  }

  #byte(c: number): void {
    this.#out[this.#used++] = c;
  }
}

function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start];
  return first === 0x7b || first === 0x5b || first === quote ? skipValue(bytes, start, end) : scalarEnd(bytes, start, end);
}

/** A string's end, or that of a word or number, which the document itself may end with. */
function scalarEnd(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === quote) return skipString(bytes, start, end);
  let p = start;
  while (p < end && !isDelimiter(bytes[p]!)) p++;
  return p;
}

function isDelimiter(c: number): boolean {
  return c <= 0x20 || c === comma || c === 0x5d || c === 0x7d;
}

const encoder = new TextEncoder();
