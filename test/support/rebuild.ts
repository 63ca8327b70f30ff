import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { collect, concat, utf8 } from "../../engine/bytes.ts";
import type { EntryInput } from "../../engine/container.ts";
import { writeZip } from "../../engine/zip/write-zip.ts";
import { nodeCodec } from "../../server/codec-node.ts";
import { withBundle } from "./instances.ts";

export interface Rebuild {
  /** New content of an entry, or `null` to leave it out. */
  edit?: (path: string, text: string) => string | null;
  add?: Record<string, string>;
  /** The checksums are made anew, so that only the change itself is wrong. */
  rehash?: boolean;
}

/** Unpacks a bundle and packs it again with something changed: well-formed ZIP, whatever is in it. */
export async function rebuild(
  from: string,
  to: string,
  { edit = (_, text) => text, add = {}, rehash = false }: Rebuild,
): Promise<string> {
  const entries = new Map<string, Uint8Array>();
  await withBundle(from, async (bundle) => {
    for (const { path } of bundle.container.entries) {
      const bytes = await collect(bundle.open(path));
      const isText = path.endsWith(".json") && !path.startsWith("files/");
      const changed = isText ? edit(path, new TextDecoder().decode(bytes)) : edit(path, "");
      if (changed === null) continue;
      entries.set(path, isText ? utf8(changed) : bytes);
    }
  });
  for (const [path, text] of Object.entries(add)) entries.set(path, utf8(text));
  if (rehash) entries.set("checksums.json", checksums(entries));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeZip(inputs(entries), { codec: nodeCodec, modifiedAt: new Date(0) })) chunks.push(chunk);
  await writeFile(to, concat(chunks));
  return to;
}

function checksums(entries: Map<string, Uint8Array>): Uint8Array {
  const sums = [...entries].filter(([path]) => path !== "checksums.json");
  const hashes = Object.fromEntries(sums.map(([path, bytes]) => [path, createHash("sha256").update(bytes).digest("hex")]));
  return utf8(JSON.stringify({ algorithm: "sha256", entries: hashes }));
}

async function* inputs(entries: Map<string, Uint8Array>): AsyncGenerator<EntryInput> {
  for (const [path, body] of entries) yield { path, kind: "document", size: body.length, body };
}
