import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { collect, concat } from "../../engine/bytes.ts";
import { openBundle } from "../../engine/read-bundle.ts";
import { type CarriedFile, carriedFiles, thinBundle } from "../../engine/thin-bundle.ts";
import { nodeCodec } from "../../server/codec-node.ts";
import { openFileSource } from "../../server/file-source.ts";

/** Makes a thin bundle of one in a file, as the page does from the chosen file: slices of it, and what is new. */
export async function makeThin(from: string, to: string, omits: (file: CarriedFile) => boolean): Promise<CarriedFile[]> {
  const source = await openFileSource(from);
  try {
    const bundle = await openBundle(source, { codec: nodeCodec, records: "when-read" });
    const omitted = carriedFiles(bundle).filter(omits);
    const parts: Uint8Array[] = [];
    for (const slice of await thinBundle(bundle, omitted, nodeCodec)) {
      parts.push(slice instanceof Uint8Array ? slice : await source.read(slice.start, slice.end - slice.start));
    }
    await writeFile(to, concat(parts));
    return omitted;
  } finally {
    await source.close();
  }
}

export const bytesOf = (path: string) => collect(createReadStream(path));
