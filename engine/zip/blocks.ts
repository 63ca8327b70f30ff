/** Size of the blocks that a large entry is compressed by: 1 MB independent blocks cost 0.4 % in size. */
export const blockLength = 1024 * 1024;

/** The same bytes in blocks of `blockLength`, the last one shorter; nothing for an empty body. */
export async function* blocksOf(body: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    yield* cut(body);
    return;
  }
  let block = new Uint8Array(0);
  let filled = 0;
  for await (const piece of body) {
    let rest = piece;
    while (rest.length > 0) {
      if (filled === 0 && rest.length >= blockLength) {
        yield rest.subarray(0, blockLength);
        rest = rest.subarray(blockLength);
        continue;
      }
      if (filled === 0) {
        // Most often this is all there is, and needs no copy.
        block = rest as Uint8Array<ArrayBuffer>;
        filled = rest.length;
        break;
      }
      const taken = rest.subarray(0, blockLength - filled);
      block = withRoom(block, filled, taken.length);
      block.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled === blockLength) {
        yield block;
        block = new Uint8Array(0);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += blockLength) yield bytes.subarray(at, at + blockLength);
}

/** Grows by doubling, so that a small body does not cost a whole block. */
function withRoom(block: Uint8Array<ArrayBuffer>, filled: number, more: number): Uint8Array<ArrayBuffer> {
  if (filled + more <= block.length) return block;
  const grown = new Uint8Array(Math.min(blockLength, Math.max(block.length * 2, filled + more)));
  grown.set(block.subarray(0, filled));
  return grown;
}

const gatherLength = 256 * 1024;

/** Joins small pieces, so that whoever writes them does not pay for each header; large ones pass as they are. */
export async function* gather(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(gatherLength);
  let filled = 0;
  for await (const piece of pieces) {
    if (filled > 0 && filled + piece.length > gatherLength) {
      yield buffer.subarray(0, filled);
      buffer = new Uint8Array(gatherLength);
      filled = 0;
    }
    if (piece.length >= gatherLength) {
      yield piece;
      continue;
    }
    buffer.set(piece, filled);
    filled += piece.length;
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
