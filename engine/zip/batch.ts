import { concat } from "../bytes.ts";
import type { Codec, PackedBatch } from "../codec.ts";
import type { EntryInput } from "../container.ts";
import { isIncompressible } from "./compress.ts";

/** A batch is full at these. */
const batchBytes = 256 * 1024;
const batchEntries = 256;
/** An entry from this size on is a batch by itself. */
const loneFrom = 64 * 1024;

/** Small entries that are compressed together. */
export class Batch {
  readonly inputs: EntryInput[] = [];
  readonly lengths: number[] = [];
  readonly #blocks: Uint8Array[] = [];
  size = 0;

  /** Whether it holds one entry that is worth looking at by itself. */
  get #lone(): boolean {
    return this.inputs.length === 1 && this.size >= loneFrom;
  }

  isFull(more: number): boolean {
    if (this.inputs.length === 0) return false;
    return this.#lone || more >= loneFrom || this.size + more > batchBytes || this.inputs.length >= batchEntries;
  }

  add(input: EntryInput, blocks: readonly Uint8Array[], size: number): void {
    this.inputs.push(input);
    this.lengths.push(size);
    this.#blocks.push(...blocks);
    this.size += size;
  }

  /** What is not worth compressing does not go to another thread either. */
  async pack(level: number, codec: Codec): Promise<PackedBatch> {
    if (this.#lone && (level === 0 || (await isIncompressible(this.#blocks[0]!, codec)))) {
      const bytes = concat(this.#blocks);
      return { bytes, pieces: [{ length: bytes.length, deflated: false, crc32: codec.crc32(bytes) }] };
    }
    return codec.packBatch(this.#copied(), this.lengths, level);
  }

  /** A copy, to be handed over to the codec: a body may be of use to its owner afterwards. */
  #copied(): Uint8Array {
    const copy = new Uint8Array(this.size);
    let at = 0;
    for (const block of this.#blocks.splice(0)) {
      copy.set(block, at);
      at += block.length;
    }
    return copy;
  }
}
