import { commands } from "vitest/browser";
import type { Vector } from "../engine/zip/vectors.ts";

/** Beside the repository; the test server resolves it from the repository's root. */
const folder = "../shared/corpus/zip";

/** The corpus of archives, read by the test server; empty where it is not there. */
export async function corpus(): Promise<Vector[]> {
  const manifest = await commands.readFile(`${folder}/manifest.tsv`).catch((error: Error) => {
    if (error.message.includes("ENOENT")) return "";
    throw error;
  });
  const [, ...lines] = manifest.trimEnd().split("\n");
  return lines.map((line) => {
    const [file = "", , expected] = line.split("\t");
    return { name: file, expect: expected as Vector["expect"], load: () => bytesOf(`${folder}/${file}`) };
  });
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const text = atob(await commands.readFile(path, "base64"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
