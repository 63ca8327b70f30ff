import * as Comlink from "comlink";
import { giveBlock, isBlock } from "../../engine/block-pool.ts";
import type { Codec } from "../../engine/codec.ts";
import { unwrapped } from "./failure.ts";
import type { DeflatedPieces, PackingWorker } from "./pool-protocol.ts";

/** Pieces of a stream that are on their way to the Worker and back. */
const piecesUnderWay = 4;
let streams = 0;

/** The web codec with the compressing done by other Workers: one for the stream of a large entry, the next in turn for everything else. */
export function packCodec(
  codec: Codec,
  streaming: Comlink.Remote<PackingWorker>,
  next: () => Comlink.Remote<PackingWorker>,
): Codec {
  if (codec.deflateStream === undefined) return codec;
  return {
    ...codec,
    packBatch: async (bytes, lengths, level) => unwrapped(await next().packBatch(handed(bytes), lengths, level)),
    packBlock: async (bytes, level) => unwrapped(await next().packBlock(handed(bytes), level)),
    deflateStream: (input) => deflated(input, streaming),
  };
}

/** Bytes that were handed over: those that have their buffer to themselves go on without a copy. */
function handed(bytes: Uint8Array): Uint8Array {
  const own = bytes.byteLength === bytes.buffer.byteLength || isBlock(bytes) ? bytes : bytes.slice();
  return Comlink.transfer(own, [own.buffer]);
}

async function* deflated(input: AsyncIterable<Uint8Array>, worker: Comlink.Remote<PackingWorker>): AsyncGenerator<Uint8Array> {
  const stream = streams++;
  const underWay: Promise<Uint8Array[]>[] = [];
  const ask = (pieces: Promise<Uint8Array[]>) => {
    pieces.catch(() => undefined); // reported where it is awaited
    underWay.push(pieces);
  };
  try {
    for await (const piece of input) {
      ask(worker.deflate(stream, handed(piece)).then((answer) => piecesOf(unwrapped(answer))));
      if (underWay.length >= piecesUnderWay) yield* await underWay.shift()!;
    }
    for (const pieces of underWay.splice(0)) yield* await pieces;
  } finally {
    // Also where the archive was given up: the stream ends in any case.
    ask(worker.endDeflate(stream).then((answer) => unwrapped(answer)));
  }
  yield* await underWay.pop()!;
}

function piecesOf({ pieces, memory }: DeflatedPieces): Uint8Array[] {
  giveBlock(memory);
  return pieces;
}
