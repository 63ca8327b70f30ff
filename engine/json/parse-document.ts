import { keyEnd, textOf } from "./row.ts";
import { JsonSyntaxError, skipKey, skipSpace, skipString, skipValue } from "./scanner.ts";

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/**
 * Parses a document that comes from outside. Unlike `JSON.parse`, a repeated key is an error (never "last one wins") and
 * objects have no prototype, so that a key such as `__proto__` is only a key.
 * @throws JsonSyntaxError with the byte position.
 */
export function parseDocument(bytes: Uint8Array): JsonValue {
  // A number at the very end would look incomplete to the scanner: a trailing space settles it.
  const padded = new Uint8Array(bytes.length + 1);
  padded.set(bytes);
  padded[bytes.length] = 0x20;
  const parser = new Parser(padded);
  const value = parser.value(skipSpace(padded, 0, padded.length));
  const rest = skipSpace(padded, parser.position, padded.length);
  if (rest !== padded.length) throw new JsonSyntaxError("text follows behind the document", rest);
  return value;
}

class Parser {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** The whole text, where each of its characters is one byte: a string without escapes is then a part of it. */
  readonly #ascii: string | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
    const text = new TextDecoder().decode(bytes);
    this.#ascii = text.length === bytes.length ? text : undefined;
    if (skipValue(bytes, skipSpace(bytes, 0, this.#end), this.#end) < 0) {
      throw new JsonSyntaxError("the document ends too early", this.#end - 1);
    }
  }

  value(start: number): JsonValue {
    const first = this.#bytes[start];
    if (first === 0x7b) return this.#object(start);
    if (first === 0x5b) return this.#array(start);
    this.position = first === 0x22 ? skipString(this.#bytes, start, this.#end) : skipValue(this.#bytes, start, this.#end);
    if (first === 0x22) return this.#text(start, this.position);
    return JSON.parse(String.fromCharCode(...this.#bytes.subarray(start, this.position))) as JsonValue;
  }

  #text(start: number, end: number): string {
    const text = this.#ascii?.slice(start + 1, end - 1);
    return text === undefined || text.includes("\\") ? textOf(this.#bytes, start, end) : text;
  }

  #object(start: number): JsonValue {
    const object = Object.create(null) as { [key: string]: JsonValue };
    let p = skipSpace(this.#bytes, start + 1, this.#end);
    while (this.#bytes[p] !== 0x7d) {
      const value = skipKey(this.#bytes, p, this.#end);
      const key = this.#text(p, keyEnd(this.#bytes, value));
      if (key in object) throw new JsonSyntaxError(`the key ${JSON.stringify(key)} appears twice`, p);
      object[key] = this.value(value);
      p = this.#next();
    }
    this.position = p + 1;
    return object;
  }

  #array(start: number): JsonValue {
    const items: JsonValue[] = [];
    let p = skipSpace(this.#bytes, start + 1, this.#end);
    while (this.#bytes[p] !== 0x5d) {
      items.push(this.value(p));
      p = this.#next();
    }
    this.position = p + 1;
    return items;
  }

  #next(): number {
    const p = skipSpace(this.#bytes, this.position, this.#end);
    return this.#bytes[p] === 0x2c ? skipSpace(this.#bytes, p + 1, this.#end) : p;
  }
}
