import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { formatChecksums } from "../../engine/bundle/checksums.ts";
import { filePath } from "../../engine/bundle/layout.ts";
import { formatManifest, type Manifest } from "../../engine/bundle/manifest.ts";
import { concat } from "../../engine/bytes.ts";
import { type BundleInput, type FileInput, type TableInput, writeBundle } from "../../engine/write-bundle.ts";
import { centralHeader, endRecords, localHeader, type WrittenEntry } from "../../engine/zip/write-records.ts";
import { nodeCodec } from "../../server/codec-node.ts";
import { makeSet, type SetName } from "./zip-sets.ts";

/** Bundles that the browser benchmark opens, made once under `root`: the sets of the ZIP benchmark as bundles, and a hollow one of 10 GB. */

const header = {
  format: "holdall-bundle" as const,
  format_version: 1,
  app: { name: "bench", version: "1.0" },
  scope: { name: "bench", version: 1, fingerprint: "f" },
  created_at: "2026-01-02T03:04:06Z",
  options: { include_files: true },
};

/** A set as a bundle: what is under `data`, or a file that holds rows, becomes a table; everything else a file. */
export async function setBundle(root: string, sets: readonly SetName[], container: "zip" | "ndjson", scale = 1): Promise<string> {
  const folders = await Promise.all(sets.map((set) => makeSet(root, set, scale)));
  return made(join(root, `${sets.join("")}-${scale}.bundle.${container}`), async (path) => {
    await written(path, writeBundle(await inputOf(folders), { container, codec: nodeCodec }));
  });
}

async function inputOf(folders: readonly string[]): Promise<BundleInput> {
  const found: { folder: string; name: string; size: number }[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.push({ folder, name: path.slice(folder.length + 1), size: (await stat(path)).size });
    }
  }
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  const isTable = (name: string) => /^(data\/)?table(-\d+)?\.json$/.test(name);
  async function* tables(): AsyncGenerator<TableInput> {
    for (const { folder, name } of found.filter((item) => isTable(item.name))) yield tableOf(join(folder, name), name);
  }
  async function* files(): AsyncGenerator<FileInput> {
    let number = 0;
    for (const { folder, name, size } of found.filter((item) => !isTable(item.name))) {
      const body = size > 1_000_000 ? createReadStream(join(folder, name)) : concat(await chunksOf(join(folder, name)));
      const id = `f${number++}`;
      yield {
        id,
        name: name.replaceAll("/", "-"),
        objectKey: name,
        contentType: null,
        size,
        sha256: null,
        object: { size, body },
      };
    }
  }
  return { header, tables: tables(), files, warnings: [] };
}

function tableOf(path: string, name: string): TableInput {
  let rows = 0;
  async function* body() {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const bytes = new Uint8Array(chunk as Uint8Array);
      for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) rows++;
      yield bytes;
    }
  }
  const columns = "id organization_id kind address title seen_at fingerprint attributes notes".split(" ");
  // The first and the last line are the table's brackets.
  return { name: name.replace(/^data\//, "").slice(0, -5), columns, body: body(), rows: () => rows - 2 };
}

async function chunksOf(path: string): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path)) chunks.push(new Uint8Array(chunk as Uint8Array));
  return chunks;
}

/** 10 GB in 100,000 files of zeros, which take no room on disk: nobody reads them before the first sight. */
export async function hollowBundle(root: string, files = 100_000, size = 102_400): Promise<string> {
  return made(join(root, `hollow-${files}.bundle.zip`), async (path) => {
    const zeros = new Uint8Array(size);
    const crc32 = nodeCodec.crc32(zeros);
    const sha256 = await nodeCodec.sha256(zeros);
    const time = new Date(header.created_at);
    const disk = await open(path, "w");
    const directory: Uint8Array[] = [];
    let offset = 0;
    const add = async (name: string, content: Uint8Array | null) => {
      const length = content?.length ?? size;
      const crc = content === null ? crc32 : nodeCodec.crc32(content);
      const sizes = { crc32: crc, size: length, storedSize: length, headerOffset: offset };
      const flags = { directory: false, deflated: false, deferred: false, zip64: false };
      const entry: WrittenEntry = { name: new TextEncoder().encode(name), ...flags, ...sizes };
      const record = localHeader(entry, time);
      await disk.write(record, 0, record.length, offset);
      if (content !== null) await disk.write(content, 0, length, offset + record.length);
      directory.push(centralHeader(entry, time));
      offset += record.length + length;
    };
    const listed: Manifest["files"] = [];
    const checksums = new Map<string, string>();
    for (let i = 0; i < files; i++) {
      const id = `0${String(i).padStart(7, "0")}-1111-4111-8111-111111111111`;
      const at = filePath(id, `report-${i}.bin`);
      await add(at, null);
      checksums.set(at, sha256);
      const more = { object_key: `reports/${id}`, content_type: "application/octet-stream", stored: "bundle" as const };
      listed.push({ id, path: at, name: `report-${i}.bin`, size, sha256, ...more });
    }
    const manifest = concat([...formatManifest({ ...header, table_counts: {}, tables: [], files: listed, warnings: [] })]);
    checksums.set("manifest.json", await nodeCodec.sha256(manifest));
    await add("manifest.json", manifest);
    await add("checksums.json", concat([...formatChecksums(checksums)]));
    const length = directory.reduce((sum, { length }) => sum + length, 0);
    const end = concat([...directory, endRecords(directory.length, length, offset)]);
    await disk.write(end, 0, end.length, offset);
    await disk.close();
  });
}

async function written(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const out = createWriteStream(path);
  for await (const piece of pieces) if (!out.write(piece)) await once(out, "drain");
  out.end();
  await once(out, "finish");
}

/** Nothing half made is ever taken for whole. */
async function made(path: string, make: (path: string) => Promise<void>): Promise<string> {
  if (await stat(path).catch(() => undefined)) return path;
  await mkdir(join(path, ".."), { recursive: true });
  await make(`${path}.part`);
  await rename(`${path}.part`, path);
  return path;
}
