import { expect, test } from "vitest";
import { fillingReader } from "../../engine/blob-reader.ts";

const { gc } = globalThis as unknown as { gc(options: { type: "major"; execution: "async" }): Promise<void> };

/** As a Worker reads: nobody but the browser knows of the read until it is done. */
function readUnheld(blob: Blob): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = blob.size;
    void fillingReader(blob)
      .fill(new ArrayBuffer(length), length, 0)
      .then((bytes) => resolve(bytes.length), reject);
  });
}

test("a read that waits for the browser outlives a collection of garbage", async () => {
  const blob = new Blob([new Uint8Array(8 * 1024 * 1024)]);
  const reads = Array.from({ length: 20 }, () => readUnheld(blob));
  await gc({ type: "major", execution: "async" });
  expect(await Promise.all(reads)).toEqual(Array(20).fill(blob.size));
}, 10_000);
