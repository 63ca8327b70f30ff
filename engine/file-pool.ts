/** Where the objects are that a bundle only refers to: a folder or bucket beside it, by the manifest's `reference`. */
export interface FilePool {
  /** For messages. */
  readonly description: string;
  /** `null` where there is no such object. Fails with `IO_STORE_UNAVAILABLE`. */
  stat(reference: string, signal?: AbortSignal): Promise<{ size: number } | null>;
  /** Fails with `IO_STORE_MISSING` or `IO_STORE_UNAVAILABLE`. */
  open(reference: string, options?: { signal?: AbortSignal }): Promise<{ size: number; body: AsyncIterable<Uint8Array> }>;
}

/** A pool's folder. */
export const poolFolder = "blobs";

/** Where a pool has a content, whichever bundle names it. */
export function poolReference(sha256: string): string {
  return `${poolFolder}/${sha256}`;
}
