import * as Comlink from "comlink";
import { giveBlock } from "../../engine/block-pool.ts";
import type { Codec } from "../../engine/codec.ts";
import { unwrapped } from "./failure.ts";
import type { PackingWorker } from "./pool-protocol.ts";

/** Pieces of a stream that are on their way to the Worker and back. */
const piecesUnderWay = 4;
let streams = 0;

/** The web codec with the compressing done by other Workers: one for the stream of a large entry, the next in turn for a batch of small ones. */
export function packCodec(
  codec: Codec,
  streaming: Comlink.Remote<PackingWorker>,
  next: () => Comlink.Remote<PackingWorker>,
): Codec {
  if (codec.deflateStream === undefined) return codec;
  return {
    ...codec,
    async packBatch(bytes, lengths, level) {
      return unwrapped(await next().packBatch(handed(bytes), lengths, level));
    },
    deflateStream: (input) => deflated(input, streaming),
  };
}

/** Bytes that were handed over: those that are the whole of their buffer go on without a copy. */
function handed(bytes: Uint8Array): Uint8Array {
  const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  if (own !== bytes) giveBlock(bytes);
  return Comlink.transfer(own, [own.buffer]);
}

async function* deflated(input: AsyncIterable<Uint8Array>, worker: Comlink.Remote<PackingWorker>): AsyncGenerator<Uint8Array> {
  const stream = streams++;
  const underWay: Promise<Uint8Array[]>[] = [];
  const ask = (answer: ReturnType<PackingWorker["deflate"]>) => {
    const pieces = answer.then(unwrapped);
    pieces.catch(() => undefined); // reported where it is awaited
    underWay.push(pieces);
  };
  try {
    for await (const piece of input) {
      ask(worker.deflate(stream, handed(piece)));
      if (underWay.length >= piecesUnderWay) yield* await underWay.shift()!;
    }
    for (const pieces of underWay.splice(0)) yield* await pieces;
  } finally {
    // Also where the archive was given up: the stream ends in any case.
    ask(worker.endDeflate(stream));
  }
  yield* await underWay.pop()!;
}
