import { randomUUID } from "node:crypto";
import { MemoryLocker, Server, type Upload } from "@tus/server";
import { BackupError } from "../../engine/errors.ts";
import type { ClosableSource, UploadStore } from "./upload-store.ts";

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** How long a request whose client has come back by another connection may write on. */
const drainTime = 200;
/** Metadata is the client's but for this name. */
const ownerName = "owner";

/** Resumable uploads by tus 1.0, each of them its owner's alone. */
export class Uploads {
  readonly #server: Server;
  readonly #store: UploadStore;
  readonly #maxBytes: number;
  readonly #owners = new WeakMap<object, string>();
  #sweeping: Promise<unknown> | undefined;

  constructor(store: UploadStore, maxBytes: number) {
    this.#store = store;
    this.#maxBytes = maxBytes;
    this.#server = new Server({
      path: "/uploads",
      datastore: store,
      locker: new MemoryLocker(),
      lockDrainTimeout: drainTime,
      maxSize: maxBytes,
      // The package would let in every origin.
      allowedOrigins: () => false,
      namingFunction: () => `${store.prefix}${randomUUID()}`,
      // Relative to the request, because only the client knows where the routes are mounted.
      generateUrl: (request, { id }) => location(request.url, id.slice(store.prefix.length)),
      getFileIdFromRequest: (request) => this.#key(new URL(request.url).pathname.split("/").pop()!) ?? undefined,
      onUploadCreate: async (request, { metadata }) => ({
        metadata: { ...metadata, [ownerName]: this.#owners.get(request) ?? "" },
      }),
    });
  }

  /**
   * Answers one request of the protocol. `id` is absent where an upload is created.
   * @throws BackupError `UPLOAD_MISSING` for an upload that is not there or somebody else's, `LIMIT_ARCHIVE_BYTES` at a creation.
   */
  async handle(request: Request, id: string | undefined, owner: string): Promise<Response> {
    if (id !== undefined) await this.#find(id, owner);
    else if (request.method === "POST") this.#assertSize(Number(request.headers.get("upload-length") ?? 0));
    if (id === undefined) await this.#sweep();
    this.#owners.set(request, owner);
    return this.#server.handleWeb(request as Parameters<Server["handleWeb"]>[0]);
  }

  /**
   * The bytes of a finished upload, and the file's name where the client said it (the metadata `filename`).
   * @throws BackupError `UPLOAD_MISSING`, `UPLOAD_INCOMPLETE`, `IO_SOURCE`
   */
  async open(id: string, owner: string): Promise<{ source: ClosableSource; name?: string }> {
    const { offset, size, metadata } = await this.#find(id, owner);
    if (offset !== size) {
      const message = `${offset} of the upload's ${size} bytes have arrived; continue it first`;
      throw new BackupError("UPLOAD_INCOMPLETE", message, { bytes_received: offset, bytes_total: size });
    }
    const source = await this.#store.source(this.#store.prefix + id);
    const name = metadata?.["filename"];
    return { source, ...(typeof name === "string" && { name }) };
  }

  async remove(id: string): Promise<void> {
    await this.#store.remove(this.#store.prefix + id);
  }

  async #find(id: string, owner: string): Promise<Upload> {
    const key = this.#key(id);
    const upload = key === null ? null : await this.#read(key);
    // Whose it is is nobody else's business: one answer for both.
    if (upload === null || upload.metadata?.[ownerName] !== owner) throw missing();
    return upload;
  }

  async #read(key: string): Promise<Upload | null> {
    try {
      return await this.#store.getUpload(key);
    } catch (error) {
      const { status_code: status, message } = error as { status_code?: number; message?: string };
      if (status === 404 || status === 410) return null;
      throw new BackupError("IO_SOURCE", `the upload cannot be read back: ${message}`, {}, { cause: error });
    }
  }

  #key(id: string): string | null {
    return idPattern.test(id) ? this.#store.prefix + id : null;
  }

  #assertSize(bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    const message = `the upload has ${bytes} bytes and ${this.#maxBytes} are allowed here; leave files out of the export, or raise HOLDALL_MAX_UPLOAD_BYTES and the limits of proxies in front`;
    throw new BackupError("LIMIT_ARCHIVE_BYTES", message, { limit: this.#maxBytes });
  }

  /** Whoever begins an upload clears away the abandoned ones; one sweep at a time. */
  #sweep(): Promise<unknown> {
    this.#sweeping ??= this.#store.deleteExpired().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping.catch(() => {});
  }
}

function location(url: string, id: string): string {
  return new URL(url).pathname.endsWith("/") ? id : `uploads/${id}`;
}

function missing(): BackupError {
  return new BackupError("UPLOAD_MISSING", "there is no such upload; it may have been imported, cancelled or given up");
}
