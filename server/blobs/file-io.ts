import { constants } from "node:fs";
import { type FileHandle, link, open } from "node:fs/promises";
import type { OpenBlob } from "./blob-store.ts";
import { codeOf } from "./file-folders.ts";

/** Measured: reads of 64 KiB, Node's default, take twice as long. */
const chunkBytes = 1024 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * The file's bytes from `offset` on, in a length fixed now. A small file is read at once, so that a body that is never
 * read holds nothing open; a large one is opened when its first bytes are asked for.
 */
export async function openFile(path: string, offset: number, signal?: AbortSignal): Promise<OpenBlob> {
  const file = await openRegular(path);
  try {
    const { size } = await file.stat();
    const length = Math.max(0, size - offset);
    if (length > chunkBytes) return { size, body: chunks(path, offset, size, signal) };
    const bytes = length === 0 ? new Uint8Array() : await readFully(file, offset, length);
    return { size, body: once(bytes, signal) };
  } finally {
    await file.close();
  }
}

/** O_NONBLOCK: opening a pipe that was planted in the store would wait for its writer. */
async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${path} is no ordinary file`);
}

async function* once(bytes: Uint8Array, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  if (bytes.length > 0) yield bytes;
}

async function* chunks(path: string, offset: number, size: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await openRegular(path);
  try {
    for (let at = offset; at < size; at += chunkBytes) {
      signal?.throwIfAborted();
      yield await readFully(file, at, Math.min(chunkBytes, size - at));
    }
  } finally {
    await file.close();
  }
}

async function readFully(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new Error(`it became shorter while it was read, at byte ${offset + done}`);
    done += bytesRead;
  }
  return bytes;
}

/** Writes a new file and has the disk keep it. */
export async function writeFile(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, "wx");
  try {
    for await (const chunk of body) await writeFully(file, chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeFully(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
}

/** Gives a file a second name in one step, never replacing what has it. False where it is taken. */
export async function linked(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}
