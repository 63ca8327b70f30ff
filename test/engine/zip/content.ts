/** Content for tests: the same on every run and runtime. */

/** Bytes that do not compress. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Table text. */
export function rows(length: number): Uint8Array {
  const lines = Array.from({ length: Math.ceil(length / 40) }, (_, i) => `{"id":${i},"name":"row number ${i * 7919} of it"},\n`);
  return new TextEncoder().encode(lines.join("")).subarray(0, length);
}

export async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

export async function collected(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const list: Uint8Array[] = [];
  for await (const part of parts) list.push(part);
  const whole = new Uint8Array(list.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of list) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Comparing large arrays by `toEqual` takes seconds. */
export function same(found: Uint8Array | null | undefined, expected: Uint8Array): boolean {
  return found?.length === expected.length && found.every((byte, i) => byte === expected[i]);
}
