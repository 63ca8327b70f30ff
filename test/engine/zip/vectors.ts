import { expect, it } from "vitest";
import { type ByteSource, bytesSource } from "../../../engine/byte-source.ts";
import type { Codec } from "../../../engine/codec.ts";
import { BackupError } from "../../../engine/errors.ts";
import { openZip } from "../../../engine/zip/open-zip.ts";
import { readZipStream } from "../../../engine/zip/read-zip-stream.ts";
import { pieces } from "./content.ts";

/** One archive of a corpus: what a strict reader must do with it. */
export interface Vector {
  name: string;
  expect: "accept" | "reject" | "either";
  load(): Promise<Uint8Array>;
}

/** What a reader made of an archive: hashes by path when accepted, else the code. */
export type Outcome = { accepted: Record<string, string> } | { refused: string };

export async function readWhole(source: ByteSource, codec: Codec): Promise<Outcome> {
  return outcome(async () => {
    const accepted: Record<string, string> = Object.create(null);
    const archive = await openZip(source, { codec });
    for await (const { entry, sha256 } of archive.verify()) accepted[entry.path] = sha256!;
    return accepted;
  });
}

/** The same by `open`, one entry after the other. */
export async function readSingly(source: ByteSource, codec: Codec): Promise<Outcome> {
  return outcome(async () => {
    const accepted: Record<string, string> = Object.create(null);
    const archive = await openZip(source, { codec });
    for (const entry of archive.entries) accepted[entry.path] = await hashOf(archive.open(entry), codec);
    return accepted;
  });
}

export async function readForward(input: AsyncIterable<Uint8Array>, codec: Codec): Promise<Outcome> {
  return outcome(async () => {
    const accepted: Record<string, string> = Object.create(null);
    for await (const { path, body } of readZipStream(input, { codec })) accepted[path] = await hashOf(body, codec);
    return accepted;
  });
}

async function hashOf(body: AsyncIterable<Uint8Array>, codec: Codec): Promise<string> {
  const hash = await codec.createSha256();
  for await (const piece of body) hash.update(piece);
  return hash.digest();
}

async function outcome(read: () => Promise<Record<string, string>>): Promise<Outcome> {
  try {
    return { accepted: await read() };
  } catch (error) {
    if (error instanceof BackupError && /^(ZIP|PATH|LIMIT|INTEGRITY)_/.test(error.code)) return { refused: error.code };
    throw error;
  }
}

/** A vector this large is not read byte by byte: the result is the same and takes minutes. */
const bytewiseLimit = 70_000;

/**
 * Every vector is refused or accepted as it should be, and comes out the same whichever way it is read: by its directory, entry by entry, as a
 * stream whole, in 64 KiB pieces and byte by byte.
 */
export function vectorSuite(vectors: readonly Vector[], load: () => Codec | Promise<Codec>): void {
  for (const vector of vectors) {
    it(`${vector.expect}: ${vector.name}`, async () => {
      const codec = await load();
      const bytes = await vector.load();
      const found = await readWhole(bytesSource(bytes), codec);
      if (vector.expect !== "either") expect("accepted" in found ? "accept" : `reject ${found.refused}`).toMatch(vector.expect);
      expect(sameFate(await readSingly(bytesSource(bytes), codec))).toEqual(sameFate(found));
      for (const length of [bytes.length, 65_536, ...(bytes.length <= bytewiseLimit ? [1] : [])]) {
        const forward = await readForward(pieces(bytes, Math.max(1, length)), codec);
        if (!isOnlyForRandomAccess(found, forward)) expect(sameFate(forward), `pieces of ${length}`).toEqual(sameFate(found));
      }
    });
  }
}

/** Two ways of reading meet a fault in different order; that they refuse is what must agree. */
function sameFate(found: Outcome): unknown {
  return "accepted" in found ? found : "refused";
}

/** A directory in another order than the data is read alike; nothing is accepted forward that is refused otherwise. */
function isOnlyForRandomAccess(found: Outcome, forward: Outcome): boolean {
  return "accepted" in found && "refused" in forward && forward.refused === "ZIP_UNSUPPORTED";
}
