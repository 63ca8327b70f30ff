/** Where the application keeps its stored objects. Keys are the application's own, never interpreted as paths. */
export interface BlobStore {
  /** For messages: `folder /srv/blobs`, `s3://bucket/prefix`. Holds no credentials. */
  readonly description: string;
  /** `null` where no object has that key. Fails with `IO_STORE_UNAVAILABLE`. */
  stat(key: string, signal?: AbortSignal): Promise<BlobInfo | null>;
  /** The object's bytes from `offset` on. Fails with `IO_STORE_MISSING` or `IO_STORE_UNAVAILABLE`. */
  open(key: string, options?: { offset?: number; signal?: AbortSignal }): Promise<OpenBlob>;
  /**
   * Writes a new object and verifies what was written (size and SHA-256) before it becomes visible under its key.
   * Never replaces an object: `exists` means that the key was taken and nothing was written.
   */
  create(key: string, body: AsyncIterable<Uint8Array>, expected: NewBlob): Promise<"created" | "exists">;
  /** Removing what is not there is no error. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
  /** Every object below `prefix`, in the store's order. */
  list(prefix?: string, signal?: AbortSignal): AsyncIterable<BlobInfo>;
  close?(): Promise<void>;
}

export interface BlobInfo {
  key: string;
  /** Bytes. */
  size: number;
}

export interface OpenBlob {
  /** Bytes of the whole object, wherever reading begins. */
  size: number;
  body: AsyncIterable<Uint8Array>;
}

export interface NewBlob {
  /** Bytes. */
  size: number;
  /** Lowercase hex. */
  sha256: string;
  contentType?: string;
  signal?: AbortSignal;
}
