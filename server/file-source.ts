import { type FileHandle, open } from "node:fs/promises";
import { assertRange, type ByteSource } from "../engine/byte-source.ts";
import { BackupError } from "../engine/errors.ts";

/** A source over a file, read by position through one handle. Fails with `IO_SOURCE` when it cannot be opened. */
export async function fileSource(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (cause) {
    throw new BackupError("IO_SOURCE", `the file ${path} cannot be opened: ${(cause as Error).message}`, {}, { cause });
  }
  const { size } = await handle.stat();
  return {
    size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange({ size }, offset, length);
      const bytes = new Uint8Array(length);
      await readFully(handle, bytes, offset);
      signal?.throwIfAborted();
      return bytes;
    },
    close: () => handle.close(),
  };
}

async function readFully(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await read(handle, bytes, done, offset + done);
    if (bytesRead === 0)
      throw new BackupError("IO_SOURCE", `the file ends at byte ${offset + done}; it was cut while it was read`, { offset });
    done += bytesRead;
  }
}

async function read(handle: FileHandle, bytes: Uint8Array, done: number, position: number) {
  try {
    return await handle.read(bytes, done, bytes.length - done, position);
  } catch (cause) {
    throw new BackupError("IO_SOURCE", `reading the file failed: ${(cause as Error).message}`, { offset: position }, { cause });
  }
}
