/** A well mixed 32-bit number from another: the finalizer of MurmurHash3, a bijection. */
function mix(n: number): number {
  let h = n | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 code units. */
function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

const hex8 = (n: number) => (n >>> 0).toString(16).padStart(8, "0");

/** Mulberry32: small and fast, and the same on every machine. Good enough for demo data and for nothing else. */
export class Random {
  #state: number;

  constructor(state: number) {
    this.#state = state | 0;
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * n);
  }

  /** True once in n. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Up to n different items, in the list's order. */
  some<T>(list: readonly T[], n: number): T[] {
    const from = this.below(list.length);
    return list.slice(from, from + n);
  }

  hex(digits: number): string {
    let text = "";
    while (text.length < digits) text += hex8(this.next());
    return text.slice(0, digits);
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.next();
    return new Uint8Array(words.buffer, 0, length);
  }
}

/**
 * The rows of one kind, each derived from the seed and its number alone: any row can name any other without either being
 * kept in memory.
 */
export class Series {
  readonly #base: number;

  constructor(seed: number, kind: string) {
    this.#base = mix(seed ^ hashText(kind));
  }

  random(index: number): Random {
    return new Random(mix(this.#base ^ mix(index + 0x9e3779b9)));
  }

  /** A version 4 UUID. Different for every index: the first lane is a bijection of it. */
  id(index: number): string {
    const a = mix(index ^ this.#base);
    const b = mix(a + 0x9e3779b9);
    const c = mix(b ^ index);
    const d = mix(c + this.#base);
    const middle = hex8(b);
    const variant = hex8((c & 0x3fffffff) | 0x80000000);
    return `${hex8(a)}-${middle.slice(0, 4)}-4${middle.slice(5)}-${variant.slice(0, 4)}-${variant.slice(4)}${hex8(d)}`;
  }
}

/** The moment the demo's world stands still at. Everything in it happened before. */
export const epoch = Date.UTC(2026, 2, 1, 6, 0, 0);

const day = 86_400_000;

/** PostgreSQL's text of a moment, in UTC and to the microsecond. */
export function timestamp(milliseconds: number, random?: Random): string {
  const text = new Date(milliseconds).toISOString();
  const micros = random === undefined ? "" : String(random.below(1000)).padStart(3, "0");
  return `${text.slice(0, 10)} ${text.slice(11, 23)}${micros}+00`;
}

/** A moment up to `days` before the epoch. */
export function daysAgo(random: Random, days: number): number {
  return epoch - Math.floor((random.next() / 0x1_0000_0000) * days * day);
}
