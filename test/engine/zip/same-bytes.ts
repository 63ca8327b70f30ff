import { expect, it } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import type { Codec } from "../../../engine/codec.ts";
import { fflateCodec } from "../../../engine/codec-fflate.ts";
import type { EntryInput } from "../../../engine/container.ts";
import { openZip } from "../../../engine/zip/open-zip.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { collected, noise, pieces, rows } from "./content.ts";

const MiB = 1024 * 1024;
const bodies: Record<string, Uint8Array> = {
  "data/small.json": rows(1000),
  "data/large.json": rows(3 * MiB + 17),
  "files/noise.bin": noise(100_000),
  "files/large noise.bin": noise(2 * MiB + 5),
  "größe/empty": new Uint8Array(0),
};

/** Of the whole archive, as fflate's codec makes it. A change of it is a change of what installations write. */
const archiveSha256 = "ebcd3411f2a57e43bc0c36e2d8a72c3d48565f653de3c2737cd6e9fb5fe233fa";

function archiveOf(codec: Codec, piece: number): Promise<Uint8Array> {
  const entries: EntryInput[] = Object.entries(bodies).map(([path, body]) => ({ path, kind: "file", body: pieces(body, piece) }));
  return collected(writeZip(entries, { modifiedAt: new Date("2026-01-02T03:04:06Z"), codec }));
}

/** What must not depend on the runtime: run in Node and in browsers. */
export function sameBytesSuite(load: () => Codec | Promise<Codec>): void {
  it("the same entries give the same bytes on every runtime, however they come, with a codec that runs everywhere", async () => {
    for (const piece of [65_521, 5 * MiB]) {
      expect(await fflateCodec.sha256(await archiveOf(fflateCodec, piece))).toBe(archiveSha256);
    }
  });

  it("and content that has the same hashes, with the runtime's own codec", async () => {
    const codec = await load();
    const zip = await archiveOf(codec, MiB);
    const archive = await openZip(bytesSource(zip), { codec });
    const found: Record<string, string | undefined> = {};
    for await (const { entry, sha256 } of archive.verify()) found[entry.path] = sha256;
    const expected = await Promise.all(
      Object.entries(bodies).map(async ([path, body]) => [path, await fflateCodec.sha256(body)] as const),
    );
    expect(found).toEqual(Object.fromEntries(expected));
  });
}
