/** Bytes of the blocks that a large entry is compressed by: 1 MB independent blocks cost 0.4 % in size. */
export const blockLength = 1024 * 1024;

/** A block's memory is a little longer, so that what cannot be compressed gets its headers in place. */
const memoryLength = blockLength + 1024;

/** Blocks kept for the next taker; more than are under way at once would only lie about. */
const mostKept = 6;

const kept: ArrayBuffer[] = [];
const taken = new WeakSet<ArrayBuffer>();

/**
 * `blockLength` bytes with any content. Bytes stream through an export by the gigabyte: memory that is used again costs neither the
 * collector nor the system's zeroing of new pages, which together take as long as hashing. Whoever holds a block owns it; yielding
 * it to a consumer, or giving it to a codec's `packBlock` or `packBatch`, hands it over.
 */
export function takeBlock(): Uint8Array<ArrayBuffer> {
  const memory = kept.pop() ?? new ArrayBuffer(memoryLength);
  taken.add(memory);
  return new Uint8Array(memory, 0, blockLength);
}

/** Takes a block back, whatever part of it `bytes` are; nobody may use it any more. Other memory is left to the collector. */
export function giveBlock(bytes: Uint8Array): void {
  const memory = bytes.buffer as ArrayBuffer;
  if (memory.byteLength === memoryLength && kept.length < mostKept) kept.push(memory);
}

/** Whether the bytes begin a block of this pool, and are its holder's alone. */
export function isBlock(bytes: Uint8Array): boolean {
  return bytes.byteOffset === 0 && taken.has(bytes.buffer as ArrayBuffer);
}
