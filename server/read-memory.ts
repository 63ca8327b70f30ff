/**
 * Memory for reading. What is read passes through by the gigabyte: memory that is used again costs neither the collector nor
 * new pages from the system, which together take as long as hashing what was read.
 */

/** Lengths of memory that are kept, and how many of each: what verifying has under way. */
const kept = [1024 * 1024, 4 * 1024 * 1024].map((length) => ({ length, most: 12 * 1024 * 1024, memory: [] as ArrayBuffer[] }));

/** Below this, the collector does better. */
const least = 128 * 1024;

const ours = new WeakSet<ArrayBuffer>();

/** Bytes with any content, which belong to the caller alone; `giveMemory` takes them back. */
export function takeMemory(length: number): Uint8Array<ArrayBuffer> {
  const fitting = length < least ? undefined : kept.find((one) => length <= one.length);
  if (fitting === undefined) return new Uint8Array(length);
  const memory = fitting.memory.pop() ?? new ArrayBuffer(fitting.length);
  ours.add(memory);
  return new Uint8Array(memory, 0, length);
}

/** Nobody may use the memory any more. Memory of other lengths is left to the collector. */
export function giveMemory(memory: ArrayBuffer): void {
  const fitting = kept.find((one) => one.length === memory.byteLength);
  if (fitting !== undefined && (fitting.memory.length + 1) * fitting.length <= fitting.most) fitting.memory.push(memory);
}

/** Whether the bytes lie in memory that was taken here, and are its holder's alone. */
export function isMemory(bytes: Uint8Array): boolean {
  return ours.has(bytes.buffer as ArrayBuffer);
}
