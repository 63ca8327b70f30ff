import { beforeAll, describe, expect, it } from "vitest";
import { bytesSource, pieceLength } from "../../../engine/byte-source.ts";
import { contentFailure } from "../../../engine/check-entries.ts";
import { fflateCodec } from "../../../engine/codec-fflate.ts";
import type { EntryInput } from "../../../engine/container.ts";
import { defaultLimits } from "../../../engine/limits.ts";
import { checkRun } from "../../../engine/zip/check-run.ts";
import { type ListedZip, listZip } from "../../../engine/zip/list-zip.ts";
import type { CheckedContent, RunEntry } from "../../../engine/zip/run-steps.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { collected, noise, pieces, rows } from "./content.ts";

/** Scripts inflate without looking back at a piece, as a browser does; digests are Node's because they are quick. */
const { crc32, sha256, createSha256 } = nodeCodec;
const codec = { ...fflateCodec, crc32, sha256, createSha256 };

/** Small entries around large ones: stored, deflated with a descriptor behind, and one that ends where a piece does. */
const bodies: [string, Uint8Array][] = [
  ["a/small", rows(1000)],
  ["b/large rows", rows(pieceLength + 300_000)],
  ["c/small", noise(70_000)],
  ["d/large noise", noise(pieceLength + 5)],
  ...Array.from({ length: 40 }, (_, i): [string, Uint8Array] => [`e/${i}`, rows(30_000 + i)]),
  ["f/small", new Uint8Array(0)],
];
let archive: Uint8Array;
let hashes: string[];

beforeAll(async () => {
  const entries = bodies.map(([path, body]): EntryInput => ({ path, kind: "file", body: pieces(body, 100_000) }));
  archive = await collected(writeZip(entries, { modifiedAt: new Date("2026-01-02T03:04:06Z"), codec }));
  hashes = await Promise.all(bodies.map(async ([, body]) => codec.sha256(body)));
});

/** What is found of an archive, and the reads that took: the content of every third entry is looked at by the test itself. */
async function checked(bytes: Uint8Array): Promise<{ found: CheckedContent[]; reads: [number, number][]; zip: ListedZip }> {
  const zip = await listZip(bytesSource(bytes), { codec });
  const reads: [number, number][] = [];
  const source = {
    size: bytes.length,
    async read(offset: number, length: number) {
      reads.push([offset, length]);
      return bytes.slice(offset, offset + length);
    },
    // Whoever looks at what was given back sees something else.
    release: (piece: Uint8Array) => void piece.fill(0xee),
  };
  const look = async (content: AsyncIterable<Uint8Array>): Promise<CheckedContent> => {
    const hash = await codec.createSha256();
    try {
      for await (const piece of content) hash.update(piece);
    } catch (error) {
      return { failure: contentFailure(error) };
    }
    return { sha256: hash.digest() };
  };
  const run = zip.entries.map((stretch, i): RunEntry => ({ stretch, look: i % 3 === 0 ? look : "content" }));
  const found: CheckedContent[] = [];
  for await (const some of checkRun(source, run, { codec, limits: defaultLimits })) found.push(...some);
  return { found, reads, zip };
}

describe("a run of entries", () => {
  it("is checked by one reading from its beginning to its end", async () => {
    const { found, reads, zip } = await checked(archive);
    expect(found).toEqual(hashes.map((sha256) => ({ sha256 })));
    let at = 0;
    for (const [offset, length] of reads) {
      expect(offset).toBe(at);
      at += length;
    }
    expect(at).toBe(zip.directoryOffset);
  });

  it("names each entry that is not sound, and finds the others sound", async () => {
    const { zip } = await checked(archive);
    for (const index of [0, 1, 3, 7]) {
      const { headerOffset: start, end, dataOffset, storedSize } = zip.entries[index]!;
      const descriptor = dataOffset + storedSize;
      const damages = [start, start + 14, start + 30, dataOffset + 20, descriptor - 1, ...(descriptor < end ? [end - 1] : [])];
      for (const offset of damages) {
        const changed = archive.slice();
        changed[offset]! ^= 0xff;
        const { found } = await checked(changed);
        const bad = found.flatMap(({ failure }, i) => (failure === undefined ? [] : [i]));
        expect(bad, `entry ${index}, byte ${offset - start}`).toEqual([index]);
      }
    }
  });
});
