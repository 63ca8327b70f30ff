/**
 * A WebAssembly module that runs SHA-256 (FIPS 180-4, 6.2.2) on four messages at a time, one in each lane of its 128-bit vectors: a script's
 * hash of one message takes three times as long. Made here of its instructions, so that it needs no tools and no file.
 */

/** Bytes of one message that are taken at once. */
export const inputLength = 32 * 1024;
export const lanes = 4;
/** Where the eight words of the state lie, each as a vector of the four lanes. */
export const stateAt = lanes * inputLength;
const constantsAt = stateAt + 8 * 16;
const pages = 3;

export const initialState = roots(8, 2);
const roundConstants = roots(64, 3);

/** The first 32 bits of the fractional parts of the roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function roots(count: number, degree: number): Uint32Array {
  const found = new Uint32Array(count);
  for (let i = 0, candidate = 2; i < count; candidate++) {
    if (!isPrime(candidate)) continue;
    found[i++] = Number(rootOf(BigInt(candidate) << BigInt(32 * degree), degree) & 0xffffffffn);
  }
  return found;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false;
  return true;
}

/** The largest whole number whose power is no larger than `value`. */
function rootOf(value: bigint, degree: number): bigint {
  let root = 0n;
  for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) if ((root + bit) ** BigInt(degree) <= value) root += bit;
  return root;
}

const getLocal = 0x20;
const setLocal = 0x21;
const teeLocal = 0x22;
const i32Const = 0x41;
const i32Add = 0x6a;
const i32Sub = 0x6b;
const vector = 0xfd;
const v128Load = 0x00;
const v128Splat32 = 0x09;
const v128Store = 0x0b;
const shuffle = 0x0d;
const xor = 0x51;
const or = 0x50;
const bitselect = 0x52;
const shiftLeft = 0xab;
const shiftRight = 0xad;
const add = 0xae;

/** Locals: the blocks to go, where they are read, the state a to h, the message schedule, one for what is worked out. */
const blocks = 0;
const place = 1;
const state = 2;
const schedule = 10;
const scratch = 26;

function leb(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>>= 7;
    if (rest === 0) return [...out, low];
    out.push(low | 0x80);
  }
}

/** As `leb`, of a signed number that is not negative. */
function signedLeb(value: number): number[] {
  const bytes = leb(value);
  return bytes.at(-1)! & 0x40 ? [...bytes.slice(0, -1), bytes.at(-1)! | 0x80, 0] : bytes;
}

const get = (local: number) => [getLocal, ...leb(local)];
const set = (local: number) => [setLocal, ...leb(local)];
const op = (code: number) => [vector, ...leb(code)];
const at = (code: number, offset: number) => [...op(code), 0, ...leb(offset)];
const number = (value: number) => [i32Const, ...signedLeb(value)];
const shifted = (x: number, code: number, by: number) => [...get(x), ...number(by), ...op(code)];
const rotated = (x: number, by: number) => [...shifted(x, shiftRight, by), ...shifted(x, shiftLeft, 32 - by), ...op(or)];
const mixed = (x: number, by: readonly [number, number, number]) => [
  ...rotated(x, by[0]),
  ...rotated(x, by[1]),
  ...op(xor),
  ...rotated(x, by[2]),
  ...op(xor),
];
const spread = (x: number, by: readonly [number, number], shift: number) => [
  ...rotated(x, by[0]),
  ...rotated(x, by[1]),
  ...op(xor),
  ...shifted(x, shiftRight, shift),
  ...op(xor),
];
const bytes = (...words: number[]) => words.flatMap((word) => [0, 1, 2, 3].map((i) => word * 4 + i));
const shuffled = (pattern: readonly number[]) => [...op(shuffle), ...pattern];
const swapped = [0, 1, 2, 3].flatMap((word) => [3, 2, 1, 0].map((i) => word * 4 + i));

/** Four words of each message: as they lie in memory four vectors of one message each, afterwards one vector for each word. */
function loaded(quad: number): number[] {
  const w = (i: number) => schedule + quad * 4 + i;
  const join = (a: number, b: number, ...words: number[]) => [...get(a), ...get(b), ...shuffled(bytes(...words))];
  const code: number[] = [];
  for (let lane = 0; lane < lanes; lane++) {
    code.push(...get(place), ...at(v128Load, lane * inputLength + quad * 16));
    code.push(...set(w(lane)), ...get(w(lane)), ...get(w(lane)), ...shuffled(swapped), ...set(w(lane)));
  }
  // Low and high halves of both pairs, and then of both.
  code.push(...join(w(0), w(1), 0, 4, 1, 5), ...set(scratch), ...join(w(0), w(1), 2, 6, 3, 7), ...set(w(1)));
  code.push(...join(w(2), w(3), 0, 4, 1, 5), ...set(w(0)), ...join(w(2), w(3), 2, 6, 3, 7), ...set(w(3)));
  code.push(...join(w(1), w(3), 0, 1, 4, 5), ...set(w(2)), ...join(w(1), w(3), 2, 3, 6, 7), ...set(w(3)));
  code.push(...join(scratch, w(0), 2, 3, 6, 7), ...set(w(1)), ...join(scratch, w(0), 0, 1, 4, 5), ...set(w(0)));
  return code;
}

function round(i: number): number[] {
  const word = (j: number) => schedule + (j & 15);
  const [a, b, c, d, e, f, g, h] = Array.from({ length: 8 }, (_, j) => state + ((j - i + 64) & 7)) as number[] as Eight;
  const code: number[] = [];
  if (i >= 16) {
    code.push(...get(word(i)), ...spread(word(i - 15), [7, 18], 3), ...op(add), ...get(word(i - 7)), ...op(add));
    code.push(...spread(word(i - 2), [17, 19], 10), ...op(add), ...set(word(i)));
  }
  code.push(...number(0), ...at(v128Splat32, constantsAt + 4 * i), ...get(word(i)), ...op(add), ...get(h), ...op(add));
  code.push(...mixed(e, [6, 11, 25]), ...op(add), ...get(f), ...get(g), ...get(e), ...op(bitselect), ...op(add));
  code.push(...set(h), ...get(d), ...get(h), ...op(add), ...set(d));
  // Where two of three agree the third does not count: it decides where they differ.
  code.push(...get(h), ...mixed(a, [2, 13, 22]), ...op(add));
  code.push(...get(c), ...get(b), ...get(a), ...get(b), ...op(xor), ...op(bitselect), ...op(add), ...set(h));
  return code;
}

type Eight = [number, number, number, number, number, number, number, number];

function body(): number[] {
  const words = [0, 1, 2, 3, 4, 5, 6, 7];
  const code: number[] = [];
  for (const i of words) code.push(...number(0), ...at(v128Load, stateAt + 16 * i), ...set(state + i));
  code.push(0x03, 0x40); // loop
  for (let quad = 0; quad < 4; quad++) code.push(...loaded(quad));
  for (let i = 0; i < 64; i++) code.push(...round(i));
  for (const i of words) {
    code.push(...number(0), ...get(state + i), ...number(0), ...at(v128Load, stateAt + 16 * i), ...op(add));
    code.push(teeLocal, ...leb(state + i), ...at(v128Store, stateAt + 16 * i));
  }
  code.push(...get(place), ...number(64), i32Add, ...set(place));
  code.push(...get(blocks), ...number(1), i32Sub, teeLocal, ...leb(blocks), 0x0d, 0, 0x0b); // br_if 0, end
  return [2, 1, 0x7f, scratch - state + 1, 0x7b, ...code, 0x0b];
}

const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];

/** Exports `memory` and `run(blocks)`, which takes blocks of 64 bytes from the front of each message's part of the memory. */
export function kernel(): Uint8Array<ArrayBuffer> {
  const code = body();
  const constants = new Uint8Array(roundConstants.buffer);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, pages]),
    ...section(7, [2, ...name("memory"), 2, 0, ...name("run"), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
    ...section(11, [1, 0, ...number(constantsAt), 0x0b, ...leb(constants.length), ...constants]),
  ]);
}
