import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { VectorListing } from "../engine/zip/vectors.ts";

/** Beside the repository; not everywhere. */
const corpora = join(import.meta.dirname, "../../../shared/corpus");
const folder = join(corpora, "zip");

/** A command that browser tests may call: the corpus of archives at once, because hundreds of calls take longer than reading it. */
export async function readCorpus(): Promise<VectorListing> {
  const manifest = await readFile(join(folder, "manifest.tsv"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const [, ...lines] = manifest.trimEnd().split("\n");
  const archives = await Promise.all(
    lines.map(async (line) => {
      const [name = "", , expect = ""] = line.split("\t");
      return { name, expect, bytes: await readFile(join(folder, name)) };
    }),
  );
  const vectors = archives.map(({ name, expect, bytes }) => ({ name, expect, length: bytes.length }));
  return { vectors, base64: Buffer.concat(archives.map(({ bytes }) => bytes)).toString("base64") };
}

/** A command that browser tests may call: one sample in base64, `""` where it is not there. The test server gives nothing beside the repository. */
export async function readSample(_: unknown, corpus: string, name: string): Promise<string> {
  return readFile(join(corpora, corpus, name), "base64").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}
