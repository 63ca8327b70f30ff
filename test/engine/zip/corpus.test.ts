import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe } from "vitest";
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

describe.skipIf(!existsSync(manifest))("the corpus of archives", () => {
  if (existsSync(manifest)) vectorSuite(corpus(), () => nodeCodec);
});
