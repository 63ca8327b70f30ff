import { blockLength, giveBlock, isBlock, takeBlock } from "../block-pool.ts";

/** The same bytes in blocks of `blockLength`, the last one shorter, each handed over; nothing for an empty body. */
export async function* blocksOf(body: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let block = new Uint8Array(0);
  let filled = 0;
  for await (const piece of body instanceof Uint8Array ? [body] : body) {
    if (filled === 0 && isBlock(piece)) {
      // Most often a producer fills whole blocks, and nothing need be copied.
      if (block.length > 0) giveBlock(block);
      block = new Uint8Array(piece.buffer as ArrayBuffer, 0, blockLength);
      filled = piece.length;
    } else {
      for (let at = 0; at < piece.length; ) {
        if (block.length === 0) block = takeBlock();
        const part = piece.subarray(at, at + blockLength - filled);
        block.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < blockLength || at === piece.length) continue;
        yield block;
        [block, filled] = [new Uint8Array(0), 0];
      }
      if (isBlock(piece)) giveBlock(piece);
    }
    if (filled < blockLength) continue;
    yield block;
    [block, filled] = [new Uint8Array(0), 0];
  }
  if (filled > 0) yield block.subarray(0, filled);
}

const gatherLength = 256 * 1024;

/**
 * Joins small pieces, so that whoever writes them does not pay for each header. Pieces are valid until the next one is pulled;
 * so is what comes out where `reuse` says so, and otherwise it belongs to whoever gets it.
 */
export async function* gather(pieces: AsyncIterable<Uint8Array>, reuse: boolean): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(gatherLength);
  let filled = 0;
  for await (const piece of pieces) {
    if (filled > 0 && filled + piece.length > gatherLength) {
      yield buffer.subarray(0, filled);
      if (!reuse) buffer = new Uint8Array(gatherLength);
      filled = 0;
    }
    if (piece.length >= gatherLength) {
      yield reuse ? piece : piece.slice();
      continue;
    }
    buffer.set(piece, filled);
    filled += piece.length;
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
