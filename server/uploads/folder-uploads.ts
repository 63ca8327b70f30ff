import { mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { DataStore, ERRORS, Upload } from "@tus/server";
import { openFileSource } from "../file-source.ts";
import { GatheringWriter } from "./gathering-writer.ts";
import { abandonedAfter, type ClosableSource, type UploadStore } from "./upload-store.ts";

const dataSuffix = ".part";
const infoSuffix = ".json";

/**
 * Uploads as files of one folder: `<id>.part` with the bytes, `<id>.json` with what was said at the creation. The file's own
 * length is the offset, so that what a killed server had written counts.
 */
export class FolderUploads extends DataStore implements UploadStore {
  readonly prefix = "";
  readonly #folder: string;
  readonly #expiration: number;

  constructor(folder: string, expiration = abandonedAfter) {
    super();
    this.extensions = ["creation", "creation-with-upload", "termination", "expiration"];
    this.#folder = folder;
    this.#expiration = expiration;
  }

  override async create(upload: Upload): Promise<Upload> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    upload.creation_date = new Date().toISOString();
    await writeFile(this.#path(upload.id, dataSuffix), "", { flag: "wx", mode: 0o600 });
    const { id, size, metadata } = upload;
    await writeFile(this.#path(id, infoSuffix), JSON.stringify({ id, size, metadata }), { flag: "wx", mode: 0o600 });
    return upload;
  }

  override async write(stream: Readable, id: string, offset: number): Promise<number> {
    const file = await open(this.#path(id, dataSuffix), "r+");
    const writer = new GatheringWriter(file, offset);
    try {
      for await (const chunk of stream) await writer.add(chunk as Uint8Array);
      return await writer.flush();
    } catch (error) {
      // A connection that broke: what arrived is kept, so that it is not sent again.
      await writer.flush();
      throw error;
    } finally {
      await file.close();
    }
  }

  override async getUpload(id: string): Promise<Upload> {
    try {
      const [text, { size, mtime }] = await Promise.all([
        readFile(this.#path(id, infoSuffix), "utf8"),
        stat(this.#path(id, dataSuffix)),
      ]);
      // The package counts the expiration from the creation; what still grows is not abandoned.
      const said = JSON.parse(text) as ConstructorParameters<typeof Upload>[0];
      return new Upload({ ...said, offset: size, creation_date: mtime.toISOString() });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) throw ERRORS.FILE_NOT_FOUND;
      throw error;
    }
  }

  override async remove(id: string): Promise<void> {
    for (const suffix of [infoSuffix, dataSuffix]) await rm(this.#path(id, suffix), { force: true });
  }

  override getExpiration(): number {
    return this.#expiration;
  }

  override async deleteExpired(): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!name.endsWith(dataSuffix) && !name.endsWith(infoSuffix)) continue;
      const id = name.replace(/\.[a-z]+$/, "");
      // Judged by the bytes; a description alone is what a creation that was killed left.
      const found = await stat(this.#path(id, dataSuffix)).catch(() => stat(join(this.#folder, name)).catch(() => null));
      if (found === null || Date.now() - found.mtimeMs <= this.#expiration) continue;
      await this.remove(id);
      removed++;
    }
    return removed;
  }

  source(id: string): Promise<ClosableSource> {
    return openFileSource(this.#path(id, dataSuffix));
  }

  #path(id: string, suffix: string): string {
    return join(this.#folder, `${id}${suffix}`);
  }
}
