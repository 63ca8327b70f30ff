import { createHash, hash } from "node:crypto";
import { createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync, crc32 as zlibCrc32 } from "node:zlib";
import { deflateSync, inflateSync } from "fflate";
import { createCRC32, createSHA256 } from "hash-wasm";
import { crc32 } from "../../engine/crc32.ts";
import { sampleOf } from "../../engine/zip/compress.ts";
import { deflateNow, inflateNow } from "../../server/zlib-engine.ts";
import { noise, rows } from "../engine/zip/content.ts";
import { median, printTable } from "./measure.ts";
import type { BenchArgs } from "./run.ts";

const level = 5;
const sizes = [1024, 8 * 1024, 64 * 1024, 1024 * 1024];
/** Content worked on in one measurement. */
const volume = 8 * 1024 * 1024;

type Work = (content: Uint8Array, deflated: Uint8Array) => unknown;

const asPromise = (start: (done: () => void) => void) => new Promise<void>(start);

/** Each kind of work, the way that the codec has chosen first. */
const ways: Record<string, Record<string, Work>> = {
  deflate: {
    "engine used again": (content) => deflateNow(content, level, true),
    deflateRawSync: (content) => deflateRawSync(content, { level }),
    "deflate stream": (content) =>
      asPromise((done) =>
        createDeflateRaw({ level })
          .on("data", () => {})
          .on("end", done)
          .end(content),
      ),
    fflate: (content) => deflateSync(content, { level }),
  },
  inflate: {
    "engine used again": (content, deflated) => inflateNow(deflated, content.length),
    inflateRawSync: (_, deflated) => inflateRawSync(deflated),
    "inflate stream": (_, deflated) =>
      asPromise((done) =>
        createInflateRaw()
          .on("data", () => {})
          .on("end", done)
          .end(deflated),
      ),
    fflate: (content, deflated) => inflateSync(deflated, { out: new Uint8Array(content.length) }),
  },
  "SHA-256": {
    "crypto.hash": (content) => hash("sha256", content),
    createHash: (content) => createHash("sha256").update(content).digest("hex"),
  },
  "CRC-32": {
    "zlib.crc32": (content) => zlibCrc32(content),
    JavaScript: (content) => crc32(content),
  },
};

/**
 * `npm run bench -- codec`: MB/s of content by the ways there are to compress and digest, for entries of several sizes, on one
 * thread; rows, level 5. What the codec of the server uses stands first in each group. And what the look at a sample saves
 * with content that does not compress.
 */
export async function run({ json, runs = 5 }: BenchArgs): Promise<void> {
  const [sha, crc] = await Promise.all([createSHA256(), createCRC32()]);
  ways["SHA-256"]!["hash-wasm"] = (content) => sha.init().update(content).digest("hex");
  ways["CRC-32"]!["hash-wasm"] = (content) => crc.init().update(content).digest("hex");
  const figures: Record<string, Record<string, number[]>> = {};
  for (const [kind, group] of Object.entries(ways)) {
    figures[kind] = {};
    for (const [way, work] of Object.entries(group)) figures[kind][way] = await speeds(work, runs);
  }
  const random = noise(1024 * 1024);
  const sampled = await speed(() => deflateNow(sampleOf(random)!, 1, true), random, runs);
  const deflated = await speed((content) => deflateNow(content, level, true), random, runs);
  for (const [kind, group] of Object.entries(figures)) {
    const cells = Object.entries(group).map(([way, values]) => [way, ...values.map((value) => value.toFixed(0))]);
    console.log();
    printTable([[`${kind}, MB/s`, ...sizes.map((size) => `${size / 1024} KB`)], ...cells]);
  }
  console.log(`\nrandom content: deflated at ${deflated.toFixed(0)} MB/s, found incompressible at ${sampled.toFixed(0)} MB/s`);
  if (json)
    console.log(JSON.stringify({ bench: "codec", sizes, figures, random: { deflated, sampled }, ratios: ratiosOf(figures) }));
}

async function speeds(work: Work, runs: number): Promise<number[]> {
  const found: number[] = [];
  for (const size of sizes) found.push(await speed(work, rows(size), runs));
  return found;
}

async function speed(work: Work, content: Uint8Array, runs: number): Promise<number> {
  const deflated = deflateRawSync(content);
  const times = Math.ceil(volume / content.length);
  const seconds: number[] = [];
  for (let i = 0; i <= runs; i++) {
    const start = performance.now();
    for (let n = 0; n < times; n++) await work(content, deflated);
    // The first one warms up.
    if (i > 0) seconds.push((performance.now() - start) / 1000);
  }
  return (times * content.length) / 1e6 / median(seconds);
}

/** How many times the next best way the chosen one is, by size. */
function ratiosOf(figures: Record<string, Record<string, number[]>>): Record<string, number[]> {
  const ratio = ([chosen, ...others]: number[][]) => sizes.map((_, i) => chosen![i]! / Math.max(...others.map((one) => one[i]!)));
  return Object.fromEntries(Object.entries(figures).map(([kind, group]) => [kind, ratio(Object.values(group))]));
}
