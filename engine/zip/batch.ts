import { blockLength, takeBlock } from "../block-pool.ts";
import type { Codec, PackedBatch } from "../codec.ts";
import type { EntryInput } from "../container.ts";

/** Bytes of many entries that make a task worth its way to another thread and back. */
const batchBytes = 512 * 1024;
/** What is made for each of more entries would outlive V8's young generation and wait for a full collection. */
const batchEntries = 256;

/** Small entries that are compressed together, their contents one behind the other in a block. */
export class Batch {
  readonly inputs: EntryInput[] = [];
  readonly lengths: number[] = [];
  #block: Uint8Array | undefined;
  size = 0;

  /** Whether an entry of `more` bytes belongs into the next batch. */
  isFull(more: number): boolean {
    if (this.inputs.length === 0) return false;
    return this.size >= batchBytes || this.size + more > blockLength || this.inputs.length >= batchEntries;
  }

  /** Bytes that it holds, however few of them are used. */
  get memory(): number {
    return this.#block === undefined ? 0 : blockLength;
  }

  /** Copies the content: it may be of use to its owner afterwards. */
  add(input: EntryInput, content: Uint8Array): void {
    this.inputs.push(input);
    this.lengths.push(content.length);
    if (content.length === 0) return;
    this.#block ??= takeBlock();
    this.#block.set(content, this.size);
    this.size += content.length;
  }

  /** Compresses what was added, which is handed over; to be called once, at the end. */
  pack(level: number, codec: Codec): Promise<PackedBatch> {
    const bytes = this.#block?.subarray(0, this.size) ?? new Uint8Array(0);
    return codec.packBatch(bytes, this.lengths, level);
  }
}
