import { type FillingReader, fillingReader } from "./blob-reader.ts";
import { blobSource } from "./blob-source.ts";
import { assertRange, type ByteSource, pieceLength } from "./byte-source.ts";

/** A read this little further on is reached by reading what lies between: opening a stream anew takes longer. */
const widestGap = 1024 * 1024;
/** Shorter reads elsewhere are not worth a stream. */
const leastStream = 64 * 1024;

/**
 * A source over a Blob for whoever reads all of a large file in order and keeps nothing of it. Reads that follow each other go on with one
 * stream, and buffers that were given back (`release`) are filled again: a stream's beginning and fresh memory each take far longer than
 * reading a piece.
 */
export function scannedBlobSource(blob: Blob): ByteSource {
  const scan = new BlobScan(blob);
  const plain = blobSource(blob);
  return {
    size: blob.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(this, offset, length);
      if (length < leastStream && !scan.reaches(offset)) return plain.read(offset, length, signal);
      const bytes = await scan.read(offset, length);
      signal?.throwIfAborted();
      return bytes;
    },
    release: (bytes) => scan.release(bytes),
    close: () => scan.close(),
  };
}

class BlobScan {
  readonly #blob: Blob;
  readonly #idle: ArrayBuffer[] = [];
  #reader: FillingReader | undefined;
  /** Of the stream, once all reads that wait have been done. */
  #position = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  /** Whether a read there would go on with the stream. */
  reaches(offset: number): boolean {
    return this.#reader !== undefined && offset >= this.#position && offset - this.#position <= widestGap;
  }

  /** One read at a time, in the order asked for. */
  read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = this.#turn.then(() => this.#next(offset, length));
    this.#turn = bytes.catch(() => this.close());
    return bytes;
  }

  release({ buffer }: Uint8Array): void {
    if (buffer.byteLength === pieceLength) this.#idle.push(buffer as ArrayBuffer);
  }

  async close(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.cancel();
  }

  async #next(offset: number, length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    if (!this.reaches(offset)) await this.#open(offset);
    const gap = offset - this.#position;
    if (gap > 0) this.release(await this.#fill(gap));
    return this.#fill(length);
  }

  async #open(offset: number): Promise<void> {
    await this.close();
    this.#reader = fillingReader(this.#blob.slice(offset));
    this.#position = offset;
  }

  async #fill(length: number): Promise<Uint8Array> {
    const buffer = length > pieceLength ? new ArrayBuffer(length) : (this.#idle.pop() ?? new ArrayBuffer(pieceLength));
    const bytes = await this.#reader!.fill(buffer, length, this.#position);
    this.#position += length;
    return bytes;
  }
}
