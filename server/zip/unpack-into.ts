import { constants } from "node:fs";
import { lstat, mkdir, open, realpath, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BackupError } from "../../engine/errors.ts";
import type { ZipContainer } from "../../engine/zip/open-zip.ts";

/** The file must not exist, and its last component is never followed as a link. */
const createOnly = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Creates an archive's content inside `folder`, which is created if need be. Creates only: fails with `IO_SOURCE` at anything that exists
 * already but is no real folder. On failure everything that was created is removed again. Modes and times of the archive
 * are not applied.
 */
export async function unpackInto(archive: ZipContainer, folder: string, signal: AbortSignal): Promise<void> {
  const target = new Target(folder);
  try {
    await target.prepare();
    for await (const { entry, body } of archive.readAll(archive.entries, { signal })) {
      signal.throwIfAborted();
      if (entry.directory) await target.folder(entry.path.slice(0, -1));
      else await target.file(entry.path, body instanceof Uint8Array ? [body] : body);
    }
  } catch (error) {
    await target.undo();
    throw error;
  }
}

class Target {
  readonly #folder: string;
  #root = "";
  /** Folders known to be real ones inside the root. */
  readonly #known = new Set<string>();
  /** What was created, in order. */
  readonly #created: { path: string; folder: boolean }[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The folder itself may be reached through links: whoever names it decides. What lies in it may not. */
  async prepare(): Promise<void> {
    await this.#makeFolder(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    this.#root = await realpath(this.#folder);
    if (!(await lstat(this.#root)).isDirectory()) throw occupied(this.#folder, "is no folder");
  }

  async folder(path: string): Promise<void> {
    if (path === "." || this.#known.has(path)) return;
    await this.folder(dirname(path));
    const at = join(this.#root, path);
    await this.#makeFolder(at).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      if (!(await lstat(at)).isDirectory()) throw occupied(path, "exists and is no folder");
    });
    this.#known.add(path);
  }

  async #makeFolder(at: string): Promise<void> {
    await mkdir(at);
    this.#created.push({ path: at, folder: true });
  }

  async file(path: string, body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    await this.folder(dirname(path));
    const at = join(this.#root, path);
    const handle = await open(at, createOnly, 0o666).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "EEXIST" ? occupied(path, "exists already") : error;
    });
    this.#created.push({ path: at, folder: false });
    try {
      for await (const bytes of body) await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  }

  async undo(): Promise<void> {
    for (const { path, folder } of this.#created.reverse()) {
      // A folder that someone else has put something into meanwhile stays; the first failure is the one to report.
      await (folder ? rmdir(path) : unlink(path)).catch(() => undefined);
    }
  }
}

function occupied(path: string, found: string): BackupError {
  return new BackupError("IO_SOURCE", `${path} ${found}; unpack into an empty folder`, { path });
}
