/**
 * What a runtime offers for compressing and hashing. The engine knows only this port: `node:zlib` on the server,
 * the browser's own streams in a Worker, fflate where neither serves.
 */
export interface Codec {
  readonly name: string;
  /** CRC-32 as ZIP and gzip use it. `seed` is the CRC of the bytes before. */
  crc32(bytes: Uint8Array, seed?: number): number;
  /** SHA-256 of bytes that are in memory, as lowercase hex. */
  sha256(bytes: Uint8Array): string | Promise<string>;
  /** An incremental SHA-256. */
  createSha256(): Sha256 | Promise<Sha256>;
  /** Raw deflate of one block of bytes, ended (`final`) or byte-aligned by a sync flush so that blocks can be joined. */
  deflate(bytes: Uint8Array, options: DeflateOptions): Promise<Uint8Array>;
  /** Raw inflate of a whole stream that must give exactly `size` bytes and use all of `bytes`; `null` when it does not. */
  inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | null>;
  /** Raw inflate of a stream. Bounded by back-pressure; the caller counts and stops. */
  createInflate(signal?: AbortSignal): InflateStream;
}

export interface DeflateOptions {
  /** 0 (stored blocks) to 9. */
  level: number;
  final: boolean;
}

export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** Lowercase hex. */
  digest(): string;
}

export interface InflateStream {
  /** Inflated bytes of `input`; fails with `ZIP_BAD_RECORD` on a damaged stream or one that ends early. */
  inflate(input: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Compressed bytes used once the stream has ended: fewer than were given means trailing data. */
  readonly bytesUsed: number;
}
