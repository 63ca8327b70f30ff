import { createHash, type Hash, hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { PackedBatch, PackedBlock, PackedPiece, StoredItem, UnpackedItem, UnpackOptions } from "../engine/codec.ts";
import { isIncompressibleSample, sampleOf, storedOver } from "../engine/zip/compress.ts";
import { deflateNow, inflateNow } from "./zlib-engine.ts";

/** The work of the codec's batches, done at once on the thread that calls. */

/** The packed block takes the place of the content where that has room for it, as the pool's blocks always have. */
export function packBlockSync(content: Uint8Array, level: number): PackedBlock {
  const contentCrc32 = crc32(content);
  if (level === 0 || gainsNothing(content)) return { bytes: storedOver(content), crc32: contentCrc32 };
  const memory = new Uint8Array(content.buffer as ArrayBuffer, content.byteOffset);
  const deflated = deflateNow(content, level, false);
  if (deflated.length > memory.length) return { bytes: deflated.slice(), crc32: contentCrc32 };
  memory.set(deflated);
  return { bytes: memory.subarray(0, deflated.length), crc32: contentCrc32 };
}

/**
 * Deflates each piece unless its samples or the result say that nothing is gained. The packed pieces are never longer, so
 * that they take the place of the content in `bytes`: further buffers of every size would leave the heap in fragments.
 */
export function packBatchSync(bytes: Uint8Array, lengths: readonly number[], level: number): PackedBatch {
  const pieces: PackedPiece[] = [];
  let from = 0;
  let to = 0;
  for (const length of lengths) {
    const content = bytes.subarray(from, from + length);
    const contentCrc32 = crc32(content);
    const deflated = deflateWholeSync(content, level);
    bytes.set(deflated ?? content, to);
    pieces.push({ length: (deflated ?? content).length, deflated: deflated !== undefined, crc32: contentCrc32 });
    from += length;
    to += (deflated ?? content).length;
  }
  return { bytes: bytes.subarray(0, to), pieces };
}

function gainsNothing(content: Uint8Array): boolean {
  const sample = sampleOf(content);
  return sample !== undefined && isIncompressibleSample(sample, deflateNow(sample, 1, true).length);
}

/** A stream's output has a buffer of its own from this size on, not a part of a shared one. */
const unsharedBytes = 64 * 1024;

/**
 * Frees the memory of bytes that nobody uses any more. Left to the collector, what batches use and drop adds up to 64 MB
 * a thread before it runs.
 */
export function free(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength >= unsharedBytes) (bytes.buffer as ArrayBuffer).transfer(0);
}

/** Valid until the next one is deflated. */
function deflateWholeSync(content: Uint8Array, level: number): Uint8Array | undefined {
  if (level === 0 || content.length === 0 || gainsNothing(content)) return undefined;
  const deflated = deflateNow(content, level, true);
  return deflated.length < content.length ? deflated : undefined;
}

export function unpackBatchSync(
  bytes: Uint8Array,
  items: readonly StoredItem[],
  options: UnpackOptions,
): (UnpackedItem | null)[] {
  return items.map((item) => {
    const stored = bytes.subarray(item.offset, item.offset + item.storedSize);
    const content = item.deflated ? inflateNow(stored, item.size) : stored;
    if (content === null || content.length !== item.size) return null;
    const found = { crc32: crc32(content), ...(options.sha256 && { sha256: hash("sha256", content) }) };
    if (!options.content) return found;
    return { ...found, content: item.deflated ? content.slice() : content };
  });
}

/** CRC, SHA-256 and length of content that passes by. */
export class Digests {
  readonly #hash: Hash | undefined;
  #crc32 = 0;
  size = 0;

  constructor(sha256: boolean) {
    this.#hash = sha256 ? createHash("sha256") : undefined;
  }

  update(bytes: Uint8Array): void {
    this.size += bytes.length;
    this.#crc32 = crc32(bytes, this.#crc32);
    this.#hash?.update(bytes);
  }

  result(): UnpackedItem {
    return { crc32: this.#crc32, sha256: this.#hash?.digest("hex") };
  }
}
