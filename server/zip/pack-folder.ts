import { once } from "node:events";
import { closeSync, type Dirent, openSync, readSync, statSync } from "node:fs";
import { open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { EntryInput } from "../../engine/container.ts";
import { BackupError } from "../../engine/errors.ts";
import { writeZip } from "../../engine/zip/write-zip.ts";
import { nodeCodec } from "../codec-node.ts";
import { bytesPassed } from "../external-memory.ts";

export interface PackOptions {
  level?: number | undefined | null;
  signal: AbortSignal;
}

interface Found {
  path: string;
  size: number;
  modifiedAt: number;
}

const readLength = 1024 * 1024;
/** Files up to this size are read at once. */
const smallFile = 64 * 1024;
const slabLength = 256 * 1024;

/**
 * Packs what lies in `folder`, in order of names, into `file` ("-": standard output). The newest file's time becomes the time of every
 * entry, so that the same files give the same bytes. Refuses links and special files (`PATH_SPECIAL_FILE`) and an existing
 * `file`; on failure `file` is removed.
 */
export async function packFolder(folder: string, file: string, { level, signal }: PackOptions): Promise<void> {
  const found = await walk(folder, "");
  const modifiedAt = new Date(found.reduce((newest, { modifiedAt }) => Math.max(newest, modifiedAt), 0));
  const options = { modifiedAt, codec: nodeCodec, signal, ...(typeof level === "number" && { level }) };
  const archive = writeZip(inputs(folder, found), options);
  if (file === "-") await toStandardOutput(archive);
  else await toNewFile(file, archive);
}

async function walk(folder: string, prefix: string): Promise<Found[]> {
  const children = await readdir(join(folder, prefix), { withFileTypes: true });
  children.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const found: Found[] = [];
  for (const child of children) {
    const path = prefix + child.name;
    if (child.isDirectory()) {
      const inside = await walk(folder, `${path}/`);
      found.push(...(inside.length > 0 ? inside : [{ path: `${path}/`, size: 0, modifiedAt: 0 }]));
    } else {
      found.push(fileFound(folder, path, child));
    }
  }
  return found;
}

function fileFound(folder: string, path: string, child: Dirent): Found {
  if (!child.isFile()) {
    throw new BackupError(
      "PATH_SPECIAL_FILE",
      `${path} is a link or no ordinary file; remove it from the folder and pack again`,
      { entry: path },
    );
  }
  const { size, mtimeMs } = statSync(join(folder, path));
  return { path, size, modifiedAt: mtimeMs };
}

function* inputs(folder: string, found: readonly Found[]): Generator<EntryInput> {
  const small = new SmallFiles();
  for (const { path, size } of found) {
    const body = path.endsWith("/") ? new Uint8Array(0) : content(join(folder, path), size, small);
    yield { path, kind: "file", size, body };
  }
}

async function* content(path: string, size: number, small: SmallFiles): AsyncGenerator<Uint8Array> {
  if (size <= smallFile) {
    yield small.read(path, size);
    return;
  }
  const handle = await open(path, "r");
  try {
    for (let position = 0; ; ) {
      const room = Buffer.allocUnsafeSlow(Math.min(readLength, Math.max(size - position, 1)));
      const { buffer, bytesRead } = await handle.read(room, 0, room.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
      bytesPassed(bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Reads small files one behind the other into shared buffers: a buffer for each would leave memory in fragments. */
class SmallFiles {
  #slab = Buffer.alloc(0);
  #used = 0;

  /** At once: three trips to the thread pool cost ten times the reading. One byte more than `size` shows a file that has grown. */
  read(path: string, size: number): Uint8Array {
    if (this.#slab.length - this.#used <= size) {
      this.#slab = Buffer.allocUnsafeSlow(slabLength);
      this.#used = 0;
    }
    const start = this.#used;
    const file = openSync(path, "r");
    try {
      for (let more = 1; more > 0 && this.#used <= start + size; this.#used += more)
        more = readSync(file, this.#slab, this.#used, start + size + 1 - this.#used, null);
    } finally {
      closeSync(file);
    }
    return this.#slab.subarray(start, this.#used);
  }
}

async function toStandardOutput(archive: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const bytes of archive) {
    if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
  }
}

async function toNewFile(file: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, "wx");
  try {
    for await (const bytes of archive) {
      await handle.writeFile(bytes);
      bytesPassed(bytes.length);
    }
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(file);
    throw error;
  }
}
