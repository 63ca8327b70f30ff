/** Ids that are remembered at once, in at most 2.7 slots of 8 bytes each: some 20 MB whatever the size of the archive. */
export const mostIds = 1_000_000;
/** How full a table becomes before it is made twice as large. */
const fullest = 0.75;

/**
 * A set of texts of which only 64 bits each are kept. Of a hundred thousand texts, two pass for one with a chance below 1 in 10^9; the
 * seed is chosen anew each time, so that nobody can make texts that do.
 */
export class SeenTexts {
  readonly #seed: number;
  #slots: Uint32Array;
  #size = 0;
  #low = 0;
  #high = 0;

  /** Of `expected` texts no table is outgrown, which would wait as garbage. */
  constructor(seed: number, expected: number) {
    this.#seed = seed;
    this.#slots = new Uint32Array(2 * 2 ** Math.ceil(Math.log2(Math.max(1024, expected / fullest))));
  }

  /** Remembers a text; false where it was there. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    this.#hash(bytes, start, end);
    const at = this.#find(this.#slots);
    if (this.#slots[at + 1] !== 0) return false;
    this.#slots[at] = this.#low;
    this.#slots[at + 1] = this.#high;
    if (++this.#size > (this.#slots.length / 2) * fullest) this.#grow();
    return true;
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    this.#hash(bytes, start, end);
    return this.#slots[this.#find(this.#slots) + 1] !== 0;
  }

  #hash(bytes: Uint8Array, start: number, end: number): void {
    this.#low = hash32(bytes, start, end, this.#seed);
    // 0 marks a free slot.
    this.#high = hash32(bytes, start, end, ~this.#low ^ 0x9e3779b9) || 1;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #find(slots: Uint32Array): number {
    const mask = slots.length / 2 - 1;
    let at = this.#low & mask;
    while (slots[2 * at + 1] !== 0 && (slots[2 * at] !== this.#low || slots[2 * at + 1] !== this.#high)) at = (at + 1) & mask;
    return 2 * at;
  }

  #grow(): void {
    const old = this.#slots;
    const larger = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      [this.#low, this.#high] = [old[i]!, old[i + 1]!];
      const at = this.#find(larger);
      larger[at] = this.#low;
      larger[at + 1] = this.#high;
    }
    this.#slots = larger;
  }
}

/** MurmurHash3's finalizer behind each byte's FNV step. */
export function hash32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let h = seed ^ 0x811c9dc5;
  for (let p = start; p < end; p++) {
    h = Math.imul(h ^ bytes[p]!, 0x01000193);
    h ^= h >>> 15;
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
