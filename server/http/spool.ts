import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BackupError } from "../../engine/errors.ts";
import { homeFolder } from "../home.ts";
import type { Uploads } from "../uploads/uploads.ts";

export interface UploadOptions {
  /** Where uploads wait; `uploads` in `HOLDALL_HOME`, else in `.holdall`, where absent. */
  folder?: string;
  /** Most bytes of a bundle; `HOLDALL_MAX_UPLOAD_BYTES`, else 1 GiB, where absent. */
  maxBytes?: number;
  /** Where resumable uploads wait: `file:PATH` or `s3://bucket/prefix`; `HOLDALL_UPLOADS`, else below `folder`, where absent. */
  store?: string;
}

const GiB = 1024 ** 3;
const suffix = ".upload";
const folderSuffix = ".plan";
/** Nothing waits here for so long. */
const staleAfter = 24 * 60 * 60 * 1000;

/**
 * A private folder in which an upload waits, as long as one request takes, and the rows of a plan, until they expire; and the
 * uploads that outlast requests.
 */
export class Spool {
  readonly folder: string;
  readonly maxBytes: number;
  readonly #store: string | undefined;
  #uploads: Promise<Uploads> | undefined;
  #ready: Promise<void> | undefined;

  constructor(options: UploadOptions = {}, env: Record<string, string | undefined> = process.env) {
    this.folder = options.folder ?? join(homeFolder(env), "uploads");
    this.maxBytes = options.maxBytes ?? limitFrom(env["HOLDALL_MAX_UPLOAD_BYTES"]);
    this.#store = options.store ?? env["HOLDALL_UPLOADS"];
  }

  /** Resumable uploads, opened on first use. */
  uploads(): Promise<Uploads> {
    this.#uploads ??= this.#openUploads();
    return this.#uploads;
  }

  async #openUploads(): Promise<Uploads> {
    const { openUploads } = await import("../uploads/open-uploads.ts");
    return openUploads({ spec: this.#store, spool: this.folder, maxBytes: this.maxBytes });
  }

  /** The path of a file that is not there yet. */
  newPath(): Promise<string> {
    return this.#newName(suffix);
  }

  /** The path of a folder that is not there yet: what waits in it may stay longer than a request. */
  newFolder(): Promise<string> {
    return this.#newName(folderSuffix);
  }

  async #newName(ending: string): Promise<string> {
    this.#ready ??= prepare(this.folder);
    await this.#ready.catch((cause) => {
      this.#ready = undefined;
      throw ioSource(cause);
    });
    return join(this.folder, `${owner()}.${process.pid}.${randomUUID()}${ending}`);
  }

  /**
   * Writes a body to `path`.
   * @returns its bytes.
   * @throws BackupError `LIMIT_ARCHIVE_BYTES` as soon as it is larger than allowed, `IO_SOURCE` where it cannot be written.
   */
  async keep(path: string, body: Readable, signal: AbortSignal): Promise<number> {
    const handle = await open(path, "wx", 0o600).catch((cause) => {
      body.destroy();
      throw ioSource(cause);
    });
    let bytes = 0;
    const limited = async function* (this: Spool, chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        this.assertSize(bytes);
        yield chunk;
      }
    }.bind(this);
    const file = handle.createWriteStream();
    await pipeline(body, limited, file, { signal }).catch((error) => {
      throw isWriteFailure(error) ? ioSource(error) : error;
    });
    return bytes;
  }

  assertSize(bytes: number): void {
    if (bytes <= this.maxBytes) return;
    const message = `the upload is larger than the ${this.maxBytes} bytes allowed here; leave files out of the export, or raise HOLDALL_MAX_UPLOAD_BYTES and the limits of proxies in front`;
    throw new BackupError("LIMIT_ARCHIVE_BYTES", message, { limit: this.maxBytes });
  }
}

/** Bodies are cut with ECONNRESET and the like; what a disk says is ours to answer for. */
function isWriteFailure(error: unknown): boolean {
  return /^(ENOSPC|EDQUOT|EIO|EROFS|EFBIG|EMFILE|ENFILE)$/.test((error as NodeJS.ErrnoException).code ?? "");
}

function ioSource(cause: NodeJS.ErrnoException): BackupError {
  return new BackupError("IO_SOURCE", `the upload cannot be kept: ${cause.code ?? cause.message}`, {}, { cause });
}

function limitFrom(text: string | undefined): number {
  if (!text) return GiB;
  const bytes = Number(text);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new BackupError("REQUEST_INVALID", `HOLDALL_MAX_UPLOAD_BYTES is a whole number of bytes, not ${JSON.stringify(text)}`);
}

async function prepare(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  for (const name of await readdir(folder)) {
    const ours = name.endsWith(suffix) || name.endsWith(folderSuffix);
    if (ours && (await isLeftOver(folder, name))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** A process that was killed could not remove its uploads. */
async function isLeftOver(folder: string, name: string): Promise<boolean> {
  const [host, pid] = name.split(".");
  if (host === owner() && Number(pid) !== process.pid && !isAlive(Number(pid))) return true;
  const found = await stat(join(folder, name)).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > staleAfter;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Several machines may share a folder; process ids mean something on one of them only. */
function owner(): string {
  return hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
}
