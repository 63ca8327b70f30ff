import { JsonSyntaxError, skipSpace, skipString, skipValue } from "../../engine/json/scanner.ts";
import { wrappedText } from "./wrapped-json.ts";

/**
 * PostgreSQL's COPY text format, written into one growing buffer. JSON values are carried over byte by byte: no value ever
 * becomes a JavaScript number or string, apart from `\u` escapes.
 */
const backslash = 0x5c;
const quote = 0x22;
const tab = 0x09;
const newline = 0x0a;

/** How a column's JSON becomes text that the column's type reads. */
export type ValueForm = "scalar" | "json" | "json-required" | "record" | "array";

export class CopyText {
  #bytes: Uint8Array;
  #used = 0;
  #rowStart = 0;

  constructor(capacity = 1024 * 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#used;
  }

  /** What was written, and an empty buffer of the same size. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#used);
    this.#bytes = new Uint8Array(this.#bytes.length);
    this.#used = 0;
    this.#rowStart = 0;
    return taken;
  }

  separator(): void {
    this.#room(1);
    this.#bytes[this.#used++] = tab;
  }

  endRow(): void {
    this.#room(1);
    this.#bytes[this.#used++] = newline;
    this.#rowStart = this.#used;
  }

  /** Forgets what was written of the current row. */
  dropRow(): void {
    this.#used = this.#rowStart;
  }

  null(): void {
    this.#room(2);
    this.#bytes[this.#used++] = backslash;
    this.#bytes[this.#used++] = 0x4e;
  }

  ascii(text: string): void {
    this.#room(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#used++] = text.charCodeAt(i);
  }

  /** The JSON value in `bytes[start, end)`, which has been validated. */
  value(bytes: Uint8Array, start: number, end: number, form: ValueForm): void {
    // Longest case: every byte doubled twice inside an array literal.
    this.#room((end - start) * 4 + 8);
    const first = bytes[start];
    // JSON has one null for two things: SQL's, and a document that is null, which alone a NOT NULL column can mean.
    if (first === 0x6e && form !== "json-required") this.null();
    else if (form === "json" || form === "json-required") this.#json(bytes, start, end);
    else if (form === "record") this.#verbatim(bytes, start, end);
    else if (form === "array" && first === 0x5b) this.#array(bytes, start, end);
    else if (first === quote) this.#string(bytes, start + 1, end - 1);
    else this.#verbatim(bytes, start, end);
  }

  #room(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }

  #json(bytes: Uint8Array, start: number, end: number): void {
    const text = wrappedText(bytes, start, end);
    if (text === null) this.#verbatim(bytes, start, end);
    else this.#string(bytes, text.start, text.end);
  }

  /** JSON text as it is: only backslashes and white space that COPY would take for its own need an escape. */
  #verbatim(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#bytes;
    let used = this.#used;
    for (let p = start; p < end; p++) {
      const c = bytes[p]!;
      if (c === backslash) {
        out[used++] = backslash;
        out[used++] = backslash;
      } else out[used++] = c === newline || c === tab || c === 0x0d ? 0x20 : c;
    }
    this.#used = used;
  }

  /** A string's content. JSON's `\n \t \r \b \f \\` mean the same in COPY text and pass as they are. */
  #string(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#bytes;
    let used = this.#used;
    for (let p = start; p < end; p++) {
      const c = bytes[p]!;
      out[used++] = c;
      if (c !== backslash) continue;
      const escaped = bytes[++p]!;
      if (escaped === 0x75) {
        this.#used = used - 1;
        p = this.#unicode(bytes, p);
        used = this.#used;
      } else if (escaped === quote || escaped === 0x2f) out[used - 1] = escaped;
      else out[used++] = escaped;
    }
    this.#used = used;
  }

  /** A `\uXXXX` escape whose `u` is at `position`; gives the position of its last byte. */
  #unicode(bytes: Uint8Array, position: number): number {
    const { codePoint, last } = unicodeEscape(bytes, position);
    if (codePoint < 0x80) this.#escapedByte(codePoint);
    else for (const byte of encoder.encode(String.fromCodePoint(codePoint))) this.#bytes[this.#used++] = byte;
    return last;
  }

  #escapedByte(c: number): void {
    const letter = copyEscapes[c];
    if (letter !== undefined) this.#bytes[this.#used++] = backslash;
    this.#bytes[this.#used++] = letter ?? c;
  }

  /** `[1,null,"a"]` becomes `{1,NULL,"a"}`; what an element needs escaped is escaped for the literal and then for COPY. */
  #array(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes[this.#used++] = 0x7b;
    let p = skipSpace(bytes, start + 1, end);
    while (bytes[p] !== 0x5d) {
      p = this.#element(bytes, p, end);
      p = skipSpace(bytes, p, end);
      if (bytes[p] !== 0x2c) continue;
      this.#bytes[this.#used++] = 0x2c;
      p = skipSpace(bytes, p + 1, end);
    }
    this.#bytes[this.#used++] = 0x7d;
  }

  #element(bytes: Uint8Array, start: number, end: number): number {
    const first = bytes[start];
    const behind = first === quote ? skipString(bytes, start, end) : skipValue(bytes, start, end);
    if (first === 0x5b) this.#array(bytes, start, behind);
    else if (first === 0x6e) this.ascii("NULL");
    else if (first === quote) this.#quotedElement(bytes, start + 1, behind - 1);
    else this.#verbatim(bytes, start, behind);
    return behind;
  }

  #quotedElement(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes[this.#used++] = quote;
    for (let p = start; p < end; p++) {
      let c = bytes[p]!;
      if (c === backslash) {
        const escaped = bytes[++p]!;
        if (escaped === 0x75) {
          const { codePoint, last } = unicodeEscape(bytes, p);
          p = last;
          if (codePoint >= 0x80) {
            for (const byte of encoder.encode(String.fromCodePoint(codePoint))) this.#bytes[this.#used++] = byte;
            continue;
          }
          c = codePoint;
        } else c = jsonEscapes[escaped]!;
      }
      this.#elementByte(c);
    }
    this.#bytes[this.#used++] = quote;
  }

  #elementByte(c: number): void {
    if (c === backslash) {
      // \\ in the literal, each doubled for COPY
      for (let i = 0; i < 4; i++) this.#bytes[this.#used++] = backslash;
    } else if (c === quote) {
      this.#bytes[this.#used++] = backslash;
      this.#bytes[this.#used++] = backslash;
      this.#bytes[this.#used++] = quote;
    } else this.#escapedByte(c);
  }
}

const encoder = new TextEncoder();
/** Bytes that COPY text writes as a backslash and a letter. */
const copyEscapes: Record<number, number> = { 8: 0x62, 9: 0x74, 10: 0x6e, 11: 0x76, 12: 0x66, 13: 0x72, 92: 0x5c };
/** What follows a backslash in JSON, and what it means. */
const jsonEscapes: Record<number, number> = { 34: 0x22, 47: 0x2f, 92: 0x5c, 98: 8, 102: 12, 110: 10, 114: 13, 116: 9 };

function unicodeEscape(bytes: Uint8Array, position: number): { codePoint: number; last: number } {
  const unit = hex4(bytes, position + 1);
  if (unit === 0) throw new JsonSyntaxError("\\u0000 cannot be stored in PostgreSQL", position - 1);
  if (unit < 0xd800 || unit > 0xdfff) return { codePoint: unit, last: position + 4 };
  const low = bytes[position + 5] === backslash && bytes[position + 6] === 0x75 ? hex4(bytes, position + 7) : 0;
  if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
    throw new JsonSyntaxError("half of a surrogate pair cannot be stored", position - 1);
  return { codePoint: 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), last: position + 10 };
}

function hex4(bytes: Uint8Array, position: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value = value * 16 + hexDigit(bytes[position + i]!);
  return value;
}

function hexDigit(c: number): number {
  return c <= 0x39 ? c - 0x30 : (c | 0x20) - 0x57;
}
