import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, realpath, rename, rm, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { BlobInfo, BlobStore, NewBlob, OpenBlob } from "./blob-store.ts";
import { absent, codeOf, LinkInPath, leads, makeFolders, syncFolder } from "./file-folders.ts";
import { linked, openFile, writeFile } from "./file-io.ts";
import { hashedFolder, pathOf, recordOf, unfinishedFolder } from "./file-keys.ts";
import { listFolder } from "./file-list.ts";
import { assertKey, CallersFailure, discard, missing, unavailable, VerifiedBody } from "./verify-body.ts";

/** What a killed process left; nobody writes one object for two days. */
const abandonedAfter = 2 * 24 * 3600 * 1000;

/** A blob store in a folder. Key `a/b.png` is the file a/b.png; other keys live in `.holdall`, their key recorded. */
export function fileStore(path: string): BlobStore {
  return new FileStore(resolve(path));
}

class FileStore implements BlobStore {
  readonly description: string;
  readonly #given: string;
  #root: Promise<string> | undefined;
  #swept = false;

  constructor(path: string) {
    this.#given = path;
    this.description = `folder ${path}`;
  }

  stat(key: string, signal?: AbortSignal): Promise<BlobInfo | null> {
    return this.#attempt(key, signal, async (root) => {
      const found = await find(root, key);
      return found === null ? null : { key, size: found.size };
    });
  }

  open(key: string, { offset = 0, signal }: { offset?: number; signal?: AbortSignal } = {}): Promise<OpenBlob> {
    return this.#attempt(key, signal, async (root) => {
      const found = await find(root, key);
      if (found === null) throw missing(key, this.description);
      const { size, body } = await openFile(found.path, offset, signal).catch((error) => this.#vanished(key, error));
      return { size, body: this.#reading(key, body, signal) };
    });
  }

  create(key: string, body: AsyncIterable<Uint8Array>, expected: NewBlob): Promise<"created" | "exists"> {
    const verified = new VerifiedBody(key, body, expected);
    return this.#attempt(key, expected.signal, async (root) => {
      if ((await find(root, key)) !== null) {
        await discard(body);
        return "exists";
      }
      const temporary = await this.#unfinished(root);
      try {
        await writeFile(temporary, verified);
        return (await place(root, key, temporary)) ? "created" : "exists";
      } catch (error) {
        throw verified.failure === undefined ? error : new CallersFailure(verified.failure);
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  remove(key: string, signal?: AbortSignal): Promise<void> {
    return this.#attempt(key, signal, async (root) => {
      const path = pathOf(key);
      if (path !== null && (await leads(root, path.slice(0, -1)))) {
        const object = join(root, ...path);
        if ((await lstat(object).catch(absent))?.isFile()) await unlink(object).catch(absent);
      }
      if (!(await leads(root, hashedFolder(key)))) return;
      // Out of its place first, in one step: nobody shall find half an object.
      const aside = await this.#unfinished(root);
      await rename(join(root, ...hashedFolder(key)), aside).catch(absent);
      await rm(aside, { recursive: true, force: true });
    });
  }

  async *list(prefix = "", signal?: AbortSignal): AsyncGenerator<BlobInfo> {
    signal?.throwIfAborted();
    try {
      yield* listFolder(await this.#folder(), prefix, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#failure(prefix, cause);
    }
  }

  /** Made on first use. The folder itself may be reached through links; below it none is followed. */
  #folder(): Promise<string> {
    this.#root ??= mkdir(this.#given, { recursive: true })
      .then(() => realpath(this.#given))
      .catch((error) => {
        this.#root = undefined;
        throw error;
      });
    return this.#root;
  }

  /** A name for something unfinished, in the same file system as the objects. */
  async #unfinished(root: string): Promise<string> {
    if (!(await makeFolders(root, unfinishedFolder))) throw new Error(`${unfinishedFolder.join("/")} is no folder`);
    if (!this.#swept) await sweep(join(root, ...unfinishedFolder));
    this.#swept = true;
    return join(root, ...unfinishedFolder, randomUUID());
  }

  async *#reading(key: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      signal?.throwIfAborted();
      this.#vanished(key, cause);
    }
  }

  async #attempt<T>(key: string, signal: AbortSignal | undefined, work: (root: string) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    assertKey(key, this.description);
    try {
      return await work(await this.#folder());
    } catch (cause) {
      if (cause instanceof CallersFailure) throw cause.cause;
      signal?.throwIfAborted();
      throw this.#failure(key, cause);
    }
  }

  /** Removed between being found and being opened. */
  #vanished(key: string, cause: unknown): never {
    throw codeOf(cause) === "ENOENT" ? missing(key, this.description, cause) : this.#failure(key, cause);
  }

  #failure(key: string, cause: unknown): Error {
    if (!(cause instanceof Error) || "details" in cause) return cause as Error;
    return unavailable(key, this.description, `${cause.message}; ${remedy(cause)}`, cause);
  }
}

function remedy(cause: Error): string {
  if (cause instanceof LinkInPath || codeOf(cause) === "ELOOP") return "move what it points at into the store";
  const known: Record<string, string> = {
    EACCES: "give the user that runs Holdall access to the folder",
    EPERM: "give the user that runs Holdall access to the folder, on a file system with hard links",
    ENOSPC: "make room on its disk",
    EDQUOT: "make room on its disk",
    EROFS: "mount it for writing",
    EMFILE: "raise the limit of open files",
  };
  return known[codeOf(cause)] ?? "check the folder and its disk";
}

/** The plain path first: it is where the application itself keeps its objects. */
async function find(root: string, key: string): Promise<{ path: string; size: number } | null> {
  for (const segments of [pathOf(key), [...hashedFolder(key), "object"]]) {
    if (segments === null || !(await leads(root, segments.slice(0, -1)))) continue;
    const path = join(root, ...segments);
    const info = await lstat(path).catch(absent);
    if (info?.isSymbolicLink()) throw new LinkInPath(`${path} is a symbolic link`);
    if (info?.isFile()) return { path, size: info.size };
    if (info !== null && !info.isDirectory()) throw new Error(`${path} is no ordinary file`);
  }
  return null;
}

/** Gives a complete object its name, in one step. False where the name was taken meanwhile. */
async function place(root: string, key: string, temporary: string): Promise<boolean> {
  const path = pathOf(key);
  if (path !== null && (await makeFolders(root, path.slice(0, -1)))) {
    const object = join(root, ...path);
    if (await linked(temporary, object)) {
      await syncFolder(dirname(object));
      return true;
    }
    if (!(await lstat(object).catch(absent))?.isDirectory()) return false;
  }
  return placeHashed(root, key, temporary);
}

async function placeHashed(root: string, key: string, temporary: string): Promise<boolean> {
  const folder = hashedFolder(key);
  const shelf = folder.slice(0, -1);
  if (!(await makeFolders(root, shelf))) throw new Error(`${shelf.join("/")} is no folder`);
  const complete = `${temporary}.key`;
  try {
    await mkdir(complete);
    await rename(temporary, join(complete, "object"));
    await writeFile(join(complete, "key"), record(key));
    await syncFolder(complete);
    // Never replaces: a folder that holds something is in the way of a renaming.
    await rename(complete, join(root, ...folder));
    await syncFolder(join(root, ...shelf));
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes(codeOf(error))) return false;
    throw error;
  } finally {
    await rm(complete, { recursive: true, force: true });
  }
}

async function* record(key: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(recordOf(key));
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const info = await lstat(join(folder, name)).catch(absent);
    if (info !== null && Date.now() - info.mtimeMs > abandonedAfter)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
