import { lstat, opendir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BlobInfo } from "./blob-store.ts";
import { absent, leads } from "./file-folders.ts";
import { keysFolder, pathOf, privateFolder } from "./file-keys.ts";

/** Every object below `prefix`, as the folders give them; memory does not grow with their number. */
export async function* listFolder(root: string, prefix: string, signal?: AbortSignal): AsyncGenerator<BlobInfo> {
  const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  const folders = start === "" ? [] : pathOf(start.slice(0, -1));
  if (folders !== null && (await leads(root, folders))) yield* walk(root, start, prefix, signal);
  if (await leads(root, keysFolder)) yield* recorded(join(root, ...keysFolder), prefix, signal);
}

/** `base` is the prefix's last folder or one below it: "", or ending with a slash. */
async function* walk(root: string, base: string, prefix: string, signal?: AbortSignal): AsyncGenerator<BlobInfo> {
  for await (const name of names(join(root, base))) {
    signal?.throwIfAborted();
    const key = base + name;
    if (key === privateFolder || !key.startsWith(prefix)) continue;
    const info = await lstat(join(root, key)).catch(absent);
    if (info?.isDirectory()) yield* walk(root, `${key}/`, prefix, signal);
    // A file whose name no key has cannot be opened either: listing it would promise what `open` does not keep.
    else if (info?.isFile() && pathOf(key) !== null) yield { key, size: info.size };
  }
}

async function* recorded(folder: string, prefix: string, signal?: AbortSignal): AsyncGenerator<BlobInfo> {
  for await (const shelf of names(folder)) {
    for await (const name of names(join(folder, shelf))) {
      signal?.throwIfAborted();
      const place = join(folder, shelf, name);
      const record = await readFile(join(place, "key"), "utf8").catch(absent);
      if (record === null) continue;
      const key: string = JSON.parse(record);
      const info = await lstat(join(place, "object")).catch(absent);
      if (info?.isFile() && key.startsWith(prefix)) yield { key, size: info.size };
    }
  }
}

async function* names(folder: string): AsyncGenerator<string> {
  const entries = await opendir(folder, { bufferSize: 512 }).catch(absent);
  if (entries === null) return;
  for await (const { name } of entries) yield name;
}
