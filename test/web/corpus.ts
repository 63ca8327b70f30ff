import { commands } from "vitest/browser";
import type { Vector, VectorListing } from "../engine/zip/vectors.ts";

declare module "vitest/browser" {
  interface BrowserCommands {
    readCorpus: () => Promise<VectorListing>;
    readSample: (corpus: string, name: string) => Promise<string>;
  }
}

/** The corpus of archives, read by the test server; empty where it is not there. */
export async function corpus(): Promise<Vector[]> {
  const { vectors, base64 } = await commands.readCorpus();
  const all = new Uint8Array(await (await fetch(`data:application/octet-stream;base64,${base64}`)).arrayBuffer());
  let at = 0;
  return vectors.map(({ name, expect, length }) => {
    const bytes = all.slice(at, at + length);
    at += length;
    return { name, expect: expect as Vector["expect"], load: async () => bytes };
  });
}
