import { expect, it } from "vitest";
import { concat } from "../../../engine/bytes.ts";
import type { Codec } from "../../../engine/codec.ts";
import { crc32 } from "../../../engine/crc32.ts";
import { noise, pieces, rows, same } from "./content.ts";

const MiB = 1024 * 1024;
const lengths = [0, 1, 2, 255, 4095, 4096, 4097, 65_535, 65_536, 65_537, MiB - 1, MiB, MiB + 1];
const hello = new TextEncoder().encode("hello");
const sha256OfHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/** What every codec must do: run against each of them, in Node and in a browser. */
export function codecSuite(load: () => Codec | Promise<Codec>): void {
  async function inflated(codec: Codec, stored: Uint8Array, piece: number) {
    const stream = codec.createInflate();
    const parts: Uint8Array[] = [];
    for await (const part of stream.inflate(pieces(stored, piece))) parts.push(part);
    return { parts, used: stream.bytesUsed };
  }

  async function checked(codec: Codec, stored: Uint8Array, size: number, deflated: boolean) {
    const check = codec.createCheck({ size, deflated, sha256: true });
    for await (const piece of pieces(stored, 50_000)) await check.write(piece.slice());
    return check.end();
  }

  it("digests as the standards say", async () => {
    const codec = await load();
    expect(codec.crc32(hello)).toBe(0x3610a686);
    expect(codec.crc32(hello.subarray(2), codec.crc32(hello.subarray(0, 2)))).toBe(0x3610a686);
    expect(await codec.sha256(hello)).toBe(sha256OfHello);
    const hash = await codec.createSha256();
    hash.update(hello.subarray(0, 2));
    hash.update(hello.subarray(2));
    expect(hash.digest()).toBe(sha256OfHello);
  });

  it("gives the CRC of any length, joined from any parts", async () => {
    const codec = await load();
    const bytes = noise(100_000);
    for (const at of [0, 1, 7, 8, 9, 5000, 99_999, 100_000]) {
      expect(codec.crc32(bytes.subarray(at), codec.crc32(bytes.subarray(0, at))), `at ${at}`).toBe(crc32(bytes));
    }
  });

  it("inflates what it deflated, at every length around a boundary", async () => {
    const codec = await load();
    for (const content of lengths.flatMap((length) => [rows(length), noise(length)])) {
      const deflated = await codec.deflate(content, { level: 6, final: true });
      expect(same(await codec.inflate(deflated, content.length), content)).toBe(true);
      const { parts, used } = await inflated(codec, deflated, 65_536);
      expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(content.length);
      expect(used).toBe(deflated.length);
    }
  });

  it("joins blocks that end in a flush, wherever within a byte they do", async () => {
    const codec = await load();
    for (const level of [1, 3, 5, 6, 9]) {
      for (const length of [0, 1, 100, 2000, 50_000, 200_000, 300_000, MiB]) {
        const content = rows(3 * length + level);
        const ends = [length, 2 * length, content.length];
        const parts: Uint8Array[] = [];
        for (const [i, end] of ends.entries())
          parts.push(await codec.deflate(content.slice(ends[i - 1] ?? 0, end), { level, final: false }));
        const joined = concat([...parts, Uint8Array.of(3, 0)]);
        expect(same(await codec.inflate(joined, content.length), content), `level ${level}, ${length} bytes`).toBe(true);
      }
    }
  });

  it("refuses streams that are not exactly what they should be", async () => {
    const codec = await load();
    const content = rows(50_000);
    const good = await codec.deflate(content, { level: 6, final: true });
    const trailing = Uint8Array.from([...good, 0]);
    const damaged = good.slice();
    damaged[0] = 0x07; // the reserved block type
    const cases: [string, Uint8Array, number][] = [
      ["cut", good.subarray(0, -1), content.length],
      ["followed by a byte", trailing, content.length],
      ["shorter than declared", good, content.length + 1],
      ["longer than declared", good, content.length - 1],
      ["damaged", damaged, content.length],
      ["empty", new Uint8Array(0), 0],
      ["without a last block", await codec.deflate(content, { level: 6, final: false }), content.length],
    ];
    for (const [what, stored, size] of cases) {
      expect(await codec.inflate(stored, size), what).toBeNull();
      expect(await checked(codec, stored, size, true), what).toBeNull();
      const items = [{ offset: 0, storedSize: stored.length, size, deflated: true }];
      expect(await codec.unpackBatch(stored.slice(), items, { sha256: true, content: true }), what).toEqual([null]);
    }
    expect(await checked(codec, good, content.length, true)).not.toBeNull();
    await expect(inflated(codec, good.subarray(0, -1), 1000)).rejects.toMatchObject({ code: "ZIP_BAD_RECORD" });
    await expect(inflated(codec, damaged, 1000)).rejects.toMatchObject({ code: "ZIP_BAD_RECORD" });
  });

  it("passes on what its input fails with, and releases it", async () => {
    const codec = await load();
    const reason = new Error("cut off");
    let released = false;
    const failing = async function* () {
      try {
        yield (await codec.deflate(rows(10_000), { level: 6, final: true })).subarray(0, 100);
        throw reason;
      } finally {
        released = true;
      }
    };
    const consume = async () => {
      for await (const _ of codec.createInflate().inflate(failing()));
    };
    await expect(consume()).rejects.toBe(reason);
    expect(released).toBe(true);
  });

  it("packs and unpacks batches", async () => {
    const codec = await load();
    const contents = [hello, new Uint8Array(0), rows(100_000), noise(100_000), rows(8192)];
    const joined = Uint8Array.from(contents.flatMap((content) => [...content]));
    const packed = await codec.packBatch(
      joined,
      contents.map((content) => content.length),
      6,
    );
    expect(packed.pieces.map((piece) => piece.deflated)).toEqual([false, false, true, false, true]);
    let offset = 0;
    const items = packed.pieces.map((piece, i) => {
      const item = { offset, storedSize: piece.length, size: contents[i]!.length, deflated: piece.deflated };
      offset += piece.length;
      return item;
    });
    const unpacked = await codec.unpackBatch(packed.bytes, items, { sha256: true, content: true });
    for (const [i, content] of contents.entries()) {
      expect(unpacked[i]).toMatchObject({ crc32: crc32(content), sha256: await codec.sha256(content) });
      expect(same(unpacked[i]!.content, content)).toBe(true);
    }
  });
}
