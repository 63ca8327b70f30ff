import type { HashMany } from "./sha256-lanes.ts";

/**
 * What a runtime offers for compressing and hashing. The engine knows only this port: `node:zlib` on the server,
 * the browser's own streams in a Worker, fflate where neither serves.
 *
 * Work on many small pieces goes through batches, because making a stream or crossing to another thread costs more than
 * inflating 8 KB. Bytes handed over to a function that says so may be detached: the caller must not touch them again.
 */
export interface Codec {
  readonly name: string;
  /** CRC-32 as ZIP and gzip use it. `seed` is the CRC of the bytes before. */
  crc32(bytes: Uint8Array, seed?: number): number;
  /** SHA-256 of bytes that are in memory, as lowercase hex. */
  sha256(bytes: Uint8Array): string | Promise<string>;
  /** SHA-256 of several messages that are in memory, where that is faster than one by one. */
  sha256Many?: HashMany | undefined;
  /** An incremental SHA-256. */
  createSha256(): Sha256 | Promise<Sha256>;
  /** Raw deflate of one block of bytes, ended (`final`) or byte-aligned by a sync flush so that blocks can be joined. */
  deflate(bytes: Uint8Array, options: DeflateOptions): Promise<Uint8Array>;
  /** Raw deflate of a whole stream, where that serves better than joined blocks. */
  deflateStream?(input: AsyncIterable<Uint8Array>, level: number): AsyncIterable<Uint8Array>;
  /** Raw inflate of a whole stream that must give exactly `size` bytes and use all of `bytes`; `null` when it does not. */
  inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | null>;
  /** Raw inflate of a stream. Bounded by back-pressure; the caller counts and stops. */
  createInflate(signal?: AbortSignal): InflateStream;
  /** As `createInflate`, for input that may go on beyond the stream's end. */
  createOpenEndedInflate(signal?: AbortSignal): InflateStream;
  /**
   * One block of a large entry, which is handed over: deflated by itself, or as it is where that gains nothing, and byte-aligned,
   * so that blocks are independent, can be joined, and every core has work.
   */
  packBlock(bytes: Uint8Array, level: number): Promise<PackedBlock>;
  /** Compresses pieces that lie one behind the other in `bytes`, which is handed over. */
  packBatch(bytes: Uint8Array, lengths: readonly number[], level: number): Promise<PackedBatch>;
  /** Checks, and on request gives, entries that lie in `bytes`, which is handed over. One result an item, `null` for a damaged one. */
  unpackBatch(bytes: Uint8Array, items: readonly StoredItem[], options: UnpackOptions): Promise<(UnpackedItem | null)[]>;
  /** Inflates and digests one large entry whose stored bytes are written to it. */
  createCheck(item: CheckOptions): EntryCheck;
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

/** Raw deflate blocks, none of them final; they may lie in the memory that was handed over. */
export interface PackedBlock {
  bytes: Uint8Array;
  /** Of the content. */
  crc32: number;
}

/** The packed pieces one behind the other. They may lie in the memory that was handed over. */
export interface PackedBatch {
  bytes: Uint8Array;
  pieces: PackedPiece[];
}

export interface PackedPiece {
  /** Bytes of the packed piece. */
  length: number;
  /** Raw deflate; otherwise the piece's own bytes, because deflating gains nothing. */
  deflated: boolean;
  crc32: number;
}

/** Where an entry's stored bytes lie in a batch, and what they must give. */
export interface StoredItem {
  offset: number;
  storedSize: number;
  size: number;
  deflated: boolean;
}

export interface UnpackOptions {
  sha256: boolean;
  /** Whether the content is wanted, or only its digests. */
  content: boolean;
}

export interface UnpackedItem {
  crc32: number;
  /** Lowercase hex, when asked for. */
  sha256?: string | undefined;
  content?: Uint8Array | undefined;
}

export interface CheckOptions {
  size: number;
  deflated: boolean;
  sha256: boolean;
}

/** Exactly one of `end` and `cancel` is called at the end. */
export interface EntryCheck {
  /** Takes the next stored bytes, which are handed over; resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** The digests, or `null` unless the stored bytes were one whole stream of exactly `size` bytes. */
  end(): Promise<UnpackedItem | null>;
  /** Gives the check up and frees what it holds. */
  cancel(): void;
}
