import { describe, expect, it } from "vitest";
import { fflateCodec } from "../../engine/codec-fflate.ts";
import { createWebCodec } from "../../engine/codec-web.ts";
import { codecSuite } from "../engine/zip/codec-suite.ts";
import { noise, rows } from "../engine/zip/content.ts";
import { damageSuite } from "../engine/zip/damage-suite.ts";
import type { Outcome } from "../engine/zip/outcome.ts";
import { ownVectorSuite } from "../engine/zip/own-vectors.ts";
import { sameBytesSuite } from "../engine/zip/same-bytes.ts";
import { type Vector, vectorSuite } from "../engine/zip/vectors.ts";
import { corpus } from "./corpus.ts";
import type { Answer, Question } from "./engine-worker.ts";

const vectors = await corpus();
const web = createWebCodec();
const codecs = { web: () => web, fflate: () => fflateCodec };

for (const [name, load] of Object.entries(codecs)) {
  describe(`${name} codec in a page`, () => {
    codecSuite(load);
    ownVectorSuite(load);
    sameBytesSuite(load);
  });
}

describe("damage and failing sources in a page", () => damageSuite(codecs.web, [0x01, 0xff]));

describe.skipIf(vectors.length === 0)("the corpus of archives in a page, when ../shared is there", () =>
  // A browser's streams take a byte at a time a thousand times slower than the parsers do, which Node has run on larger ones too.
  vectorSuite(vectors, codecs.web, { together: 40, bytewise: 4096, whole: 70_000 }),
);

it("the web codec is the browser's own, and gives the digests of the scripts", async () => {
  const codec = await web;
  expect(codec.name).toBe("web");
  for (const bytes of [rows(100_000), noise(100_000)]) {
    expect(codec.crc32(bytes)).toBe(fflateCodec.crc32(bytes));
    expect(await codec.sha256(bytes)).toBe(await fflateCodec.sha256(bytes));
  }
});

/** A Worker that reads one archive after the other. */
class Reader {
  readonly #worker = new Worker(new URL("./engine-worker.ts", import.meta.url), { type: "module" });

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
      this.#worker.onerror = (event) => reject(new Error(event.message));
      this.#worker.postMessage(question);
    });
  }

  close(): void {
    this.#worker.terminate();
  }
}

const fate = (outcome: Outcome) => ("accepted" in outcome ? "accept" : "reject");

/** A stream whose directory has another order than its data is for readers that seek: refused as such. */
function isAsExpected({ whole, forward = whole }: Answer, expected: Vector["expect"]): boolean {
  const onlySeeking = "refused" in forward && forward.refused === "ZIP_UNSUPPORTED";
  return fate(whole) === expected && (fate(forward) === expected || onlySeeking);
}

describe.skipIf(vectors.length === 0)("the corpus of archives in Workers, when ../shared is there", () => {
  // The browser's own codec has read all of it in the page.
  for (const codec of ["fflate"] as const) {
    it(`${codec} codec: everything valid accepted, everything hostile refused`, async () => {
      const queue = vectors.values();
      const wrong: string[] = [];
      const read = { accept: 0, reject: 0, either: 0 };
      const lane = async () => {
        const reader = new Reader();
        for (const vector of queue) {
          const answer = await reader.ask({ bytes: await vector.load(), codec });
          if (vector.expect !== "either" && !isAsExpected(answer, vector.expect)) wrong.push(vector.name);
          read[vector.expect]++;
        }
        reader.close();
      };
      await Promise.all([lane(), lane()]);
      expect(wrong).toEqual([]);
      expect(read.accept + read.reject + read.either).toBe(vectors.length);
      expect(read.accept > 0 && read.reject > 0).toBe(true);
    }, 120_000);
  }
});
