import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { isIncompressible } from "../../../engine/zip/compress.ts";
import { nodeCodec } from "../../../server/codec-node.ts";

test.each([8 * 1024, 9_999, 64 * 1024, 1024 * 1024])(
  "of %i bytes, random ones with a header are stored and text is not",
  async (size) => {
    const header = new Uint8Array(256).fill(0x20);
    const random = new Uint8Array(randomBytes(size));
    random.set(header);
    expect(await isIncompressible(random, nodeCodec)).toBe(true);
    const text = new TextEncoder().encode('{"id":"0123456789","value":"rows repeat"}\n'.repeat(size / 40)).subarray(0, size);
    expect(await isIncompressible(text, nodeCodec)).toBe(false);
    // Every byte as often as any other, and the same again and again.
    const even = Uint8Array.from({ length: size }, (_, i) => i * 7);
    expect(await isIncompressible(even, nodeCodec)).toBe(false);
  },
);
