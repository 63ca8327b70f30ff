import { BackupError } from "./errors.ts";

/**
 * Random access to the bytes of one container: a File, a file handle, an HTTP URL with ranges, an S3 object.
 * Offsets and lengths are bytes.
 */
export interface ByteSource {
  readonly size: number;
  /**
   * Exactly `length` bytes at `offset`. Fails with `IO_SOURCE` where the source ends earlier or cannot be read,
   * and with `signal.reason` once aborted. The caller owns the returned bytes.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Takes bytes of `read` back that nobody looks at any more, to be filled again. */
  release?(bytes: Uint8Array): void;
  /**
   * The same bytes in pieces, where that is faster than reads: a piece stays as it is until two more have been asked for. Fails as `read`
   * does; stopping early releases what is open.
   */
  stream?(offset: number, length: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Releases what the source holds; reading after it fails. */
  close?(): Promise<void>;
}

export function assertRange(source: { size: number }, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > source.size
  ) {
    throw new BackupError("IO_SOURCE", `read of ${length} bytes at ${offset} is outside the source of ${source.size} bytes`, {
      offset,
    });
  }
}

/** A source over bytes that are in memory already. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(this, offset, length);
      return bytes.slice(offset, offset + length);
    },
  };
}
