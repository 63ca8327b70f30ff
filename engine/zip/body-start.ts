/** Entries up to this many blocks are held in memory and written with sizes up front; larger ones with a descriptor. */
const wholeBlocks = 2;

/** The first blocks of a body: all of them when the body is small (`done`), else one more than a small one has. */
export async function takeWhole(
  blocks: AsyncGenerator<Uint8Array>,
): Promise<{ blocks: Uint8Array[]; size: number; done: boolean }> {
  const taken: Uint8Array[] = [];
  let size = 0;
  while (taken.length <= wholeBlocks) {
    const next = await blocks.next();
    if (next.done) return { blocks: taken, size, done: true };
    taken.push(next.value);
    size += next.value.length;
  }
  return { blocks: taken, size, done: false };
}

export async function* chained(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* first;
  yield* rest;
}
