/**
 * Walks JSON text byte by byte without building values (RFC 8259, strict: no duplicate handling, no extensions).
 * Positions are byte offsets. A value that the bytes end within gives `incomplete`, so that callers can wait for more.
 */
export const incomplete = -1;

/** Nesting beyond this is refused: PostgreSQL itself gives up on its stack long before a real row needs it. */
const maxDepth = 512;

export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

const plain = 0;
const quote = 1;
const escaping = 2;
const control = 3;
const multibyte = 4;

const stringClass = new Uint8Array(256);
stringClass.fill(control, 0, 0x20);
stringClass.fill(multibyte, 0x80);
stringClass[0x22] = quote;
stringClass[0x5c] = escaping;

const escapable = new Set([0x22, 0x2f, 0x5c, 0x62, 0x66, 0x6e, 0x72, 0x74]);

/** The first byte at or behind `position` that is not white space; `end` where there is none. */
export function skipSpace(bytes: Uint8Array, position: number, end: number): number {
  let p = position;
  while (p < end) {
    const c = bytes[p]!;
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
    p++;
  }
  return p;
}

/** Behind the string that opens at `position`, or `incomplete`. */
export function skipString(bytes: Uint8Array, position: number, end: number): number {
  let p = position + 1;
  while (p < end) {
    const kind = stringClass[bytes[p]!]!;
    if (kind === plain) p++;
    else if (kind === quote) return p + 1;
    else if (kind === control) throw new JsonSyntaxError("a control character stands unescaped in a string", p);
    else {
      p = kind === escaping ? skipEscape(bytes, p, end) : skipMultibyte(bytes, p, end);
      if (p === incomplete) return incomplete;
    }
  }
  return incomplete;
}

function skipEscape(bytes: Uint8Array, position: number, end: number): number {
  if (position + 1 >= end) return incomplete;
  const c = bytes[position + 1]!;
  if (escapable.has(c)) return position + 2;
  if (c !== 0x75) throw new JsonSyntaxError("a string holds an unknown escape", position);
  if (position + 6 > end) return incomplete;
  for (let p = position + 2; p < position + 6; p++) {
    if (!isHex(bytes[p]!)) throw new JsonSyntaxError("\\u is not followed by four hexadecimal digits", position);
  }
  return position + 6;
}

function isHex(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
}

/** RFC 3629 section 4: no overlong form, no surrogate, nothing above U+10FFFF. */
function skipMultibyte(bytes: Uint8Array, position: number, end: number): number {
  const lead = bytes[position]!;
  const length = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (length === 0) throw new JsonSyntaxError("a string is not valid UTF-8", position);
  if (position + length > end) return incomplete;
  const second = bytes[position + 1]!;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) throw new JsonSyntaxError("a string is not valid UTF-8", position);
  for (let p = position + 2; p < position + length; p++) {
    if ((bytes[p]! & 0xc0) !== 0x80) throw new JsonSyntaxError("a string is not valid UTF-8", position);
  }
  return position + length;
}

/** Behind the value at `position`, or `incomplete`. A number that touches `end` counts as incomplete. */
export function skipValue(bytes: Uint8Array, position: number, end: number, depth = 0): number {
  if (position >= end) return incomplete;
  switch (bytes[position]) {
    case 0x22:
      return skipString(bytes, position, end);
    case 0x7b:
      return skipObject(bytes, position, end, depth);
    case 0x5b:
      return skipArray(bytes, position, end, depth);
    case 0x74:
      return skipWord(bytes, position, end, "true");
    case 0x66:
      return skipWord(bytes, position, end, "false");
    case 0x6e:
      return skipWord(bytes, position, end, "null");
    default:
      return skipNumber(bytes, position, end);
  }
}

function skipObject(bytes: Uint8Array, position: number, end: number, depth: number): number {
  if (depth >= maxDepth) throw new JsonSyntaxError(`nested deeper than ${maxDepth} levels`, position);
  let p = skipSpace(bytes, position + 1, end);
  if (p < end && bytes[p] === 0x7d) return p + 1;
  while (p < end) {
    p = skipKey(bytes, p, end);
    if (p === incomplete) return incomplete;
    p = skipValue(bytes, p, end, depth + 1);
    if (p === incomplete) return incomplete;
    p = skipSpace(bytes, p, end);
    if (p >= end) return incomplete;
    if (bytes[p] === 0x7d) return p + 1;
    if (bytes[p] !== 0x2c) throw new JsonSyntaxError("expected , or } in an object", p);
    p = skipSpace(bytes, p + 1, end);
  }
  return incomplete;
}

/** From a key's opening quote to the first byte of its value. */
export function skipKey(bytes: Uint8Array, position: number, end: number): number {
  if (bytes[position] !== 0x22) throw new JsonSyntaxError("expected a quoted key", position);
  let p = skipString(bytes, position, end);
  if (p === incomplete) return incomplete;
  p = skipSpace(bytes, p, end);
  if (p >= end) return incomplete;
  if (bytes[p] !== 0x3a) throw new JsonSyntaxError("expected : behind a key", p);
  p = skipSpace(bytes, p + 1, end);
  return p >= end ? incomplete : p;
}

function skipArray(bytes: Uint8Array, position: number, end: number, depth: number): number {
  if (depth >= maxDepth) throw new JsonSyntaxError(`nested deeper than ${maxDepth} levels`, position);
  let p = skipSpace(bytes, position + 1, end);
  if (p < end && bytes[p] === 0x5d) return p + 1;
  while (p < end) {
    p = skipValue(bytes, p, end, depth + 1);
    if (p === incomplete) return incomplete;
    p = skipSpace(bytes, p, end);
    if (p >= end) return incomplete;
    if (bytes[p] === 0x5d) return p + 1;
    if (bytes[p] !== 0x2c) throw new JsonSyntaxError("expected , or ] in an array", p);
    p = skipSpace(bytes, p + 1, end);
  }
  return incomplete;
}

function skipWord(bytes: Uint8Array, position: number, end: number, word: string): number {
  for (let i = 0; i < word.length; i++) {
    if (position + i >= end) return incomplete;
    if (bytes[position + i] !== word.charCodeAt(i)) throw new JsonSyntaxError("expected a JSON value", position);
  }
  return position + word.length;
}

function skipDigits(bytes: Uint8Array, position: number, end: number): number {
  let p = position;
  while (p < end && bytes[p]! >= 0x30 && bytes[p]! <= 0x39) p++;
  return p;
}

function skipNumber(bytes: Uint8Array, position: number, end: number): number {
  const digits = bytes[position] === 0x2d ? position + 1 : position;
  let p = skipDigits(bytes, digits, end);
  if (p >= end) return incomplete;
  if (p === digits) throw new JsonSyntaxError("expected a JSON value", position);
  if (bytes[digits] === 0x30 && p > digits + 1) throw new JsonSyntaxError("a number has a leading zero", position);
  if (bytes[p] === 0x2e) {
    const fraction = p + 1;
    p = skipDigits(bytes, fraction, end);
    if (p >= end) return incomplete;
    if (p === fraction) throw new JsonSyntaxError("a number ends with a point", position);
  }
  return bytes[p] === 0x65 || bytes[p] === 0x45 ? skipExponent(bytes, p + 1, end) : p;
}

function skipExponent(bytes: Uint8Array, position: number, end: number): number {
  if (position >= end) return incomplete;
  const sign = bytes[position] === 0x2b || bytes[position] === 0x2d ? 1 : 0;
  const p = skipDigits(bytes, position + sign, end);
  if (p >= end) return incomplete;
  if (p === position + sign) throw new JsonSyntaxError("a number has an empty exponent", position);
  return p;
}
