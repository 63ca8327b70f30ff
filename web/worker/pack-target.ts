import { BackupError } from "../../engine/errors.ts";
import { createPrivateFile, type PrivateFile } from "./private-files.ts";
import type { PackTarget } from "./protocol.ts";

/** Where an archive goes. Complete only after `close`; after `abort` nothing of it is left. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** The file, where it is one to download. */
  close(): Promise<File | null>;
  abort(): Promise<void>;
}

export async function openSink(target: PackTarget): Promise<Sink> {
  return writing(async () =>
    "handle" in target
      ? new ChosenFile(await target.handle.createWritable())
      : new PrivateSink(await createPrivateFile(target.privateName)),
  );
}

/** A full disk, a right that is not given, a drive that is gone: the browser says which. */
async function writing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new BackupError("IO_TARGET", `the browser cannot write the file: ${(cause as Error).message}`, {}, { cause });
  }
}

class PrivateSink implements Sink {
  readonly #file: PrivateFile;

  constructor(file: PrivateFile) {
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writing(() => this.#file.append(bytes));
  }

  close(): Promise<File> {
    return writing(() => this.#file.finish());
  }

  abort(): Promise<void> {
    return this.#file.remove();
  }
}

/** Few large writes: each one crosses to another process. The browser puts the file in its place on closing. */
const writeLength = 4 * 1024 * 1024;

class ChosenFile implements Sink {
  readonly #stream: FileSystemWritableFileStream;
  #buffer = new Uint8Array(writeLength);
  #filled = 0;

  constructor(stream: FileSystemWritableFileStream) {
    this.#stream = stream;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + writeLength - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === writeLength) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    await writing(() => this.#stream.write(this.#buffer.subarray(0, this.#filled)));
    this.#filled = 0;
  }

  async close(): Promise<null> {
    await this.#flush();
    await writing(() => this.#stream.close());
    return null;
  }

  abort(): Promise<void> {
    return this.#stream.abort().catch(() => undefined); // it has failed already
  }
}
