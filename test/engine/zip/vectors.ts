import { expect, it } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import type { Codec } from "../../../engine/codec.ts";
import { pieces } from "./content.ts";
import { type Outcome, readForward, readListed, readSingly, readWhole } from "./outcome.ts";

/** One archive of a corpus: what a strict reader must do with it. */
export interface Vector {
  name: string;
  expect: "accept" | "reject" | "either";
  load(): Promise<Uint8Array>;
}

/** The same for many, as they cross to a browser. */
export interface VectorListing {
  vectors: { name: string; expect: string; length: number }[];
  /** Their bytes, one behind the other. */
  base64: string;
}

export interface VectorOptions {
  /** Vectors that one test reads, side by side: where a test costs more than a vector. */
  together?: number;
  /** A larger vector is not read byte by byte: the result is the same and takes minutes. */
  bytewise?: number;
  /** A larger vector is read as a stream once only, in 64 KiB pieces. */
  whole?: number;
}

/**
 * Every vector is refused or accepted as it should be, and comes out the same whichever way it is read: by its directory, entry by entry, as a
 * stream whole, in 64 KiB pieces and byte by byte.
 */
export function vectorSuite(
  vectors: readonly Vector[],
  load: () => Codec | Promise<Codec>,
  { together = 1, bytewise = 70_000, whole = Number.POSITIVE_INFINITY }: VectorOptions = {},
): void {
  for (let at = 0; at < vectors.length; at += together) {
    const some = vectors.slice(at, at + together);
    const [first] = some as [Vector];
    const title = together === 1 ? `${first.expect}: ${first.name}` : `${some.length} from ${first.name} on`;
    it(title, async () => {
      const codec = await load();
      await Promise.all(some.map((vector) => checkVector(vector, codec, { bytewise, whole })));
    }, 120_000);
  }
}

async function checkVector(vector: Vector, codec: Codec, { bytewise, whole }: Required<Omit<VectorOptions, "together">>) {
  const { name } = vector;
  const bytes = await vector.load();
  const found = await readWhole(bytesSource(bytes), codec);
  if (vector.expect !== "either") expect("accepted" in found ? "accept" : `reject ${found.refused}`, name).toMatch(vector.expect);
  expect(sameFate(await readSingly(bytesSource(bytes), codec)), name).toEqual(sameFate(found));
  expect(sameFate(await readListed(bytesSource(bytes), codec)), `${name} by its directory`).toEqual(sameFate(found));
  for (const length of [...(bytes.length <= whole ? [bytes.length] : []), 65_536, ...(bytes.length <= bytewise ? [1] : [])]) {
    const forward = await readForward(pieces(bytes, Math.max(1, length)), codec);
    if (!isOnlyForRandomAccess(found, forward))
      expect(sameFate(forward), `${name} in pieces of ${length}`).toEqual(sameFate(found));
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
