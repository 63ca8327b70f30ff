import { once } from "node:events";
import { closeSync, lstatSync, openSync, readSync, type Stats } from "node:fs";
import { open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { giveBlock, takeBlock } from "../../engine/block-pool.ts";
import type { EntryInput } from "../../engine/container.ts";
import { BackupError } from "../../engine/errors.ts";
import { writeZip } from "../../engine/zip/write-zip.ts";
import { nodeCodec } from "../codec-node.ts";
import { startThreads } from "../codec-pool.ts";

export interface PackOptions {
  level?: number | undefined | null;
  signal: AbortSignal;
}

interface Found {
  path: string;
  size: number;
  modifiedAt: number;
}

/** Content from which on threads are started while the first files are read. */
const worthThreads = 4 * 1024 * 1024;
/** Files up to this size are read at once. */
const smallFile = 64 * 1024;

/**
 * Packs what lies in `folder`, in order of names, into `file` ("-": standard output). The newest file's time becomes the time of every
 * entry, so that the same files give the same bytes. Refuses links and special files (`PATH_SPECIAL_FILE`) and an existing
 * `file`; on failure `file` is removed.
 */
export async function packFolder(folder: string, file: string, { level, signal }: PackOptions): Promise<void> {
  const found = await walk(folder, "");
  // Not for little: each takes some 12 MB.
  if (found.reduce((sum, { size }) => sum + size, 0) > worthThreads) startThreads();
  const modifiedAt = new Date(found.reduce((newest, { modifiedAt }) => Math.max(newest, modifiedAt), 0));
  const toFile = file !== "-";
  const options = { modifiedAt, codec: nodeCodec, signal, reuseMemory: toFile, ...(typeof level === "number" && { level }) };
  const archive = writeZip(inputs(folder, found), options);
  if (toFile) await toNewFile(file, archive);
  else await toStandardOutput(archive);
}

/** Adds what lies below `prefix` to `found`; one list for all, because a folder may hold more than a call can take as arguments. */
async function walk(folder: string, prefix: string, found: Found[] = []): Promise<Found[]> {
  const names = (await readdir(join(folder, prefix))).sort();
  for (const name of names) {
    const path = prefix + name;
    const stats = lstatSync(join(folder, path));
    if (stats.isDirectory()) {
      const before = found.length;
      await walk(folder, `${path}/`, found);
      if (found.length === before) found.push({ path: `${path}/`, size: 0, modifiedAt: 0 });
    } else {
      found.push(fileFound(path, stats));
    }
  }
  return found;
}

function fileFound(path: string, stats: Stats): Found {
  if (!stats.isFile()) {
    throw new BackupError(
      "PATH_SPECIAL_FILE",
      `${path} is a link or no ordinary file; remove it from the folder and pack again`,
      { entry: path },
    );
  }
  return { path, size: stats.size, modifiedAt: stats.mtimeMs };
}

function* inputs(folder: string, found: readonly Found[]): Generator<EntryInput> {
  // Of this archive alone: another one that is packed meanwhile must not read into it.
  const room = Buffer.allocUnsafeSlow(smallFile + 1);
  for (const { path, size } of found) {
    const place = join(folder, path);
    const body = path.endsWith("/") ? new Uint8Array(0) : size <= smallFile ? readSmall(place, size, room) : content(place);
    yield { path, kind: "file", size, body };
  }
}

async function* content(path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(path, "r");
  try {
    for (let position = 0; ; ) {
      const block = takeBlock();
      const { bytesRead } = await handle.read(block, 0, block.length, position);
      if (bytesRead === 0) return giveBlock(block);
      position += bytesRead;
      yield block.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/**
 * At once, into `room`, which the next call uses again: three trips to the thread pool cost ten times the reading, and the archive
 * takes a copy of each small file before it asks for the next. One byte more than `size` shows a file that has grown; a read
 * that gives less than was asked for has reached the end.
 */
function readSmall(path: string, size: number, room: Uint8Array): Uint8Array {
  let used = 0;
  const file = openSync(path, "r");
  try {
    for (let asked = size + 1; asked > 0; ) {
      const more = readSync(file, room, used, asked, null);
      used += more;
      asked = more < asked ? 0 : asked - more;
    }
  } finally {
    closeSync(file);
  }
  return room.subarray(0, used);
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
    }
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(file);
    throw error;
  }
}
