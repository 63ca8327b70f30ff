import { randomBytes } from "node:crypto";
import { type FileHandle, link, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { temporaryFiles } from "./interrupt.ts";
import { Refusal } from "./usage-error.ts";

/** Where a bundle goes. Exactly one of `commit` and `discard` ends it. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** `name` is another path in the same folder, where it was not known beforehand. */
  commit(name?: string): Promise<void>;
  discard(): Promise<void>;
}

/** The path to write to: a folder gets a file named `otherwise`. Refuses what is there already, unless forced. */
export async function outputPath(out: string, otherwise: string, force: boolean): Promise<string> {
  const found = await stat(out).catch(() => null);
  if (found?.isDirectory()) return outputPath(join(out, otherwise), otherwise, force);
  if (found === null) return out;
  if (!found.isFile())
    throw new Refusal("OUTPUT_EXISTS", `${out} is no regular file; use --out - and a redirection`, { path: out });
  if (!force) throw exists(out);
  // Behind a symbolic link, the file it names is replaced and not the link.
  return realpath(out);
}

/** Under a temporary name beside `path` until it is complete and on the disk: whoever sees the name sees a whole bundle. */
export async function fileSink(path: string, force: boolean): Promise<Sink> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString("hex")}.part`);
  temporaryFiles.add(temporary);
  // Readable by its owner alone: a bundle holds what an installation knows.
  const handle = await open(temporary, "wx", 0o600);
  const forget = async () => {
    await rm(temporary, { force: true });
    temporaryFiles.forget(temporary);
  };
  return {
    write: (bytes) => handle.writeFile(bytes),
    async commit(name = path) {
      await handle.sync();
      await handle.close();
      await place(temporary, name, force);
      await forget();
      await syncFolder(dirname(path));
    },
    async discard() {
      await closeQuietly(handle);
      await forget();
    },
  };
}

/** A link, unlike a rename, does not replace what somebody else has put there meanwhile. */
async function place(temporary: string, path: string, force: boolean): Promise<void> {
  if (force) return rename(temporary, path);
  try {
    await link(temporary, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw exists(path);
    // A file system without hard links.
    await rename(temporary, path);
  }
}

/** So that the name survives a power cut, too; not every file system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

async function closeQuietly(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => {});
}

function exists(path: string): Refusal {
  return new Refusal("OUTPUT_EXISTS", `${path} is there already; --force replaces it`, { path });
}
