/** What this Worker keeps on disk: origin-private files, which no other origin and no user sees. */

const prefix = "holdall-";

/** Exists in Workers only, and so in no typing of the page. */
interface SyncAccess {
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** Each write crosses to another process where the browser keeps such files in its memory: few large ones. */
const writeLength = 1024 * 1024;

export interface PrivateFile {
  readonly name: string;
  readonly size: number;
  /** Appends; synchronous, because that is eight times as fast as the streams for such files. Throws where the disk is full. */
  append(bytes: Uint8Array): void;
  read(offset: number, length: number): Uint8Array;
  /** The whole as a File, after which it takes no more. */
  finish(): Promise<File>;
  remove(): Promise<void>;
}

let folder: Promise<FileSystemDirectoryHandle> | undefined;

/** Creates an empty file. Fails where the browser keeps no such files: in private windows, or without HTTPS. */
export async function createPrivateFile(name: string): Promise<PrivateFile> {
  folder ??= ownFolder();
  const parent = await folder;
  const handle = await parent.getFileHandle(name, { create: true });
  const access = await (handle as unknown as { createSyncAccessHandle(): Promise<SyncAccess> }).createSyncAccessHandle();
  access.truncate(0);
  return new OpenFile(name, parent, handle, access);
}

export async function removePrivateFile(name: string): Promise<void> {
  if (folder !== undefined) await (await folder).removeEntry(name).catch(() => undefined); // it is gone already
}

class OpenFile implements PrivateFile {
  readonly name: string;
  readonly #parent: FileSystemDirectoryHandle;
  readonly #handle: FileSystemFileHandle;
  readonly #access: SyncAccess;
  readonly #buffer = new Uint8Array(writeLength);
  #buffered = 0;
  #written = 0;

  constructor(name: string, parent: FileSystemDirectoryHandle, handle: FileSystemFileHandle, access: SyncAccess) {
    this.name = name;
    this.#parent = parent;
    this.#handle = handle;
    this.#access = access;
  }

  get size(): number {
    return this.#written + this.#buffered;
  }

  append(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > writeLength) this.#flush();
    if (bytes.length >= writeLength) {
      this.#write(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  #flush(): void {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffered = 0;
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const written = this.#access.write(bytes.subarray(done), { at: this.#written });
      if (written === 0) throw new Error("the disk takes no more");
      done += written;
      this.#written += written;
    }
  }

  read(offset: number, length: number): Uint8Array {
    if (this.#buffered > 0) this.#flush();
    const bytes = new Uint8Array(length);
    const found = this.#access.read(bytes, { at: offset });
    if (found !== length) throw new Error(`a private file gave ${found} of ${length} bytes`);
    return bytes;
  }

  async finish(): Promise<File> {
    this.#flush();
    this.#access.flush();
    this.#access.close();
    return this.#handle.getFile();
  }

  async remove(): Promise<void> {
    this.#access.close();
    await this.#parent.removeEntry(this.name).catch(() => undefined); // it is gone already
  }
}

/** A folder for this Worker, with a lock on its name for as long as the Worker lives: what nobody holds is left over. */
async function ownFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  const name = `${prefix}${crypto.randomUUID()}`;
  if (navigator.locks !== undefined) {
    await new Promise<void>((held) => {
      void navigator.locks.request(name, () => {
        held();
        return new Promise(() => {});
      });
    });
    await removeLeftOver(root);
  }
  return root.getDirectoryHandle(name, { create: true });
}

async function removeLeftOver(root: FileSystemDirectoryHandle): Promise<void> {
  const { held = [] } = await navigator.locks.query();
  const alive = new Set(held.map((lock) => lock.name));
  const names: string[] = [];
  for await (const name of (root as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
  for (const name of names) {
    if (!name.startsWith(prefix) || alive.has(name)) continue;
    await root.removeEntry(name, { recursive: true }).catch(() => undefined); // another Worker may do the same
  }
}
