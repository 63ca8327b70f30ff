import { open } from "node:fs/promises";
import { assertRange, type ByteSource } from "../engine/byte-source.ts";
import { BackupError } from "../engine/errors.ts";
import { giveMemory, takeMemory } from "./read-memory.ts";

/**
 * A source over a file, read through its handle in place.
 * @throws BackupError `IO_SOURCE`
 */
export async function openFileSource(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const handle = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw new BackupError("IO_SOURCE", `${path} cannot be opened: ${cause.code ?? cause.message}`, { path }, { cause });
  });
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new BackupError("IO_SOURCE", `${path} is not a regular file`, { path });
  }
  return {
    size: stat.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(stat, offset, length);
      const bytes = takeMemory(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new BackupError("IO_SOURCE", `${path} became shorter while it was read`, { path, offset });
        done += bytesRead;
      }
      signal?.throwIfAborted();
      return bytes;
    },
    release: (bytes) => giveMemory(bytes.buffer as ArrayBuffer),
    close: () => handle.close(),
  };
}
