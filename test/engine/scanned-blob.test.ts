import { describe, expect, it } from "vitest";
import { pieceLength } from "../../engine/byte-source.ts";
import { scannedBlobSource } from "../../engine/scanned-blob.ts";
import { noise, same } from "./zip/content.ts";

const bytes = noise(5 * pieceLength + 17);
const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
const part = (offset: number, length: number) => bytes.subarray(offset, offset + length);

describe("a Blob that is gone through", () => {
  it("gives the bytes of any place, in any order, buffers given back or not", async () => {
    const source = scannedBlobSource(blob);
    const reads: [number, number][] = [
      [0, pieceLength],
      [pieceLength, pieceLength],
      [2 * pieceLength + 100, 70_000],
      [2 * pieceLength + 70_100, 10],
      [5, 3],
      [100, 200_000],
      [4 * pieceLength, pieceLength + 17],
      [0, bytes.length],
      [bytes.length, 0],
      [bytes.length - 1, 1],
      [3 * pieceLength, pieceLength],
    ];
    for (const [i, [offset, length]] of [...reads, ...reads].entries()) {
      const found = await source.read(offset, length);
      expect(same(found, part(offset, length)), `${length} bytes at ${offset}`).toBe(true);
      if (i % 2 === 0) source.release!(found);
    }
    await source.close!();
  });

  it("gives each of many at once its own", async () => {
    const source = scannedBlobSource(blob);
    const offsets = [0, 1, 2, 3, 4, 1, 0, 3].map((n) => n * pieceLength);
    const found = await Promise.all(offsets.map((offset) => source.read(offset, pieceLength)));
    for (const [i, offset] of offsets.entries()) expect(same(found[i], part(offset, pieceLength))).toBe(true);
    await source.close!();
  });

  it("fails outside of it, and with the reason once aborted, and goes on afterwards", async () => {
    const source = scannedBlobSource(blob);
    await expect(source.read(bytes.length, 1)).rejects.toMatchObject({ code: "IO_SOURCE" });
    const reason = new Error("enough");
    await expect(source.read(0, 100_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(same(await source.read(7, 100_000), part(7, 100_000))).toBe(true);
    await source.close!();
  });
});
