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
  /** Releases what the source holds; reading after it fails. */
  close?(): Promise<void>;
}

/** The same pieces, for whoever is done with each when asking for the next: it is given back then. */
export async function* givingBack(
  pieces: AsyncIterable<Uint8Array>,
  owner: Pick<ByteSource, "release">,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece;
    owner.release?.(piece);
  }
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

/**
 * Bytes of one read of many that go through a large file: a source that fills its buffers again keeps them of this size, and larger pieces are
 * read no faster.
 */
export const pieceLength = 1024 * 1024;

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
