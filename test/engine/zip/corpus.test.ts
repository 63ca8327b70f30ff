import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe } from "vitest";
import { fflateCodec } from "../../../engine/codec-fflate.ts";
import { createWebCodec } from "../../../engine/codec-web.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { type Vector, vectorSuite } from "./vectors.ts";

const manifest = join(import.meta.dirname, "../../../../shared/corpus/zip/manifest.tsv");

function corpus(): Vector[] {
  const [, ...lines] = readFileSync(manifest, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [file, , expected] = line.split("\t");
    return { name: file!, expect: expected as Vector["expect"], load: () => readFile(join(dirname(manifest), file!)) };
  });
}

const vectors = existsSync(manifest) ? corpus() : [];
const codecs = { node: () => nodeCodec, web: createWebCodec, fflate: () => fflateCodec };

for (const [name, load] of Object.entries(codecs)) {
  // Byte by byte costs most; what is large is read so once, with the codec that makes least of it.
  const bytewise = name === "node" ? 70_000 : 10_000;
  describe.skipIf(vectors.length === 0)(`the corpus of archives, ${name} codec`, () => vectorSuite(vectors, load, { bytewise }));
}
