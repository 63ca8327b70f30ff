import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { createHashMany, type HashMany } from "../../engine/sha256-lanes.ts";
import { noise } from "./zip/content.ts";

/** In parts of ever other lengths, some of them empty. */
function parted(bytes: Uint8Array, seed: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0, step = seed % 97; at < bytes.length || parts.length === 0; step = (step * 31 + 7) % 40_000) {
    parts.push(bytes.subarray(at, at + step));
    at += step;
  }
  return parts;
}

describe("SHA-256 of several messages at once", () => {
  let hashMany: HashMany;
  beforeAll(async () => {
    hashMany = (await createHashMany())!;
  });

  const expected = (messages: readonly Uint8Array[]) => messages.map((bytes) => createHash("sha256").update(bytes).digest("hex"));

  it("is that of each of them, whatever its length", () => {
    const lengths = [...Array.from({ length: 200 }, (_, i) => i), 32_759, 32_760, 32_767, 32_768, 32_769, 65_536, 1_048_577];
    const messages = lengths.map((length) => noise(length));
    expect(hashMany(messages.map((bytes) => [bytes]))).toEqual(expected(messages));
  });

  it("is the same in parts", () => {
    const messages = [1, 55, 56, 64, 100_000, 0, 300_001].map((length) => noise(length));
    expect(hashMany(messages.map((bytes, i) => parted(bytes, i)))).toEqual(expected(messages));
  });

  it("is given for fewer messages than there are lanes, again and again", () => {
    for (let count = 0; count < 6; count++) {
      const messages = Array.from({ length: count }, (_, i) => noise(1000 * (i + count)));
      expect(hashMany(messages.map((bytes) => [bytes]))).toEqual(expected(messages));
    }
  });
});
