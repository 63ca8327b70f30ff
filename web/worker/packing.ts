import * as Comlink from "comlink";
import type { Codec } from "../../engine/codec.ts";
import { answered } from "./failure.ts";
import { PartHashes } from "./hash-parts.ts";
import type { DeflatedPieces, PackingWorker } from "./pool-protocol.ts";
import type { Answer } from "./protocol.ts";

/** Packing as a service of one Worker to another. */
export function packing(codecReady: Promise<Codec>): PackingWorker {
  const streams = new Map<number, DeflatedStream>();
  const hashes = codecReady.then((codec) => new PartHashes(codec));
  let hashing: Promise<unknown> = hashes;
  return {
    packBatch: (bytes, lengths, level) => handedOver(async () => (await codecReady).packBatch(bytes, lengths, level), ofBytes),
    packBlock: (bytes, level) => handedOver(async () => (await codecReady).packBlock(bytes, level), ofBytes),
    deflate(id, bytes) {
      const stream = streams.get(id) ?? new DeflatedStream();
      streams.set(id, stream);
      return handedOver(
        () => stream.write(bytes),
        ({ pieces, memory }) => [...pieces, memory],
      );
    },
    endDeflate(id) {
      const stream = streams.get(id) ?? new DeflatedStream();
      streams.delete(id);
      return handedOver(
        () => stream.end(),
        (pieces) => pieces,
      );
    },
    hashParts(bytes, parts) {
      // A content's next part may come while this one is still being looked at.
      const found = hashing.then(async () => (await hashes).hash(bytes, parts));
      hashing = found.catch(() => undefined); // its caller is told
      return handedOver(
        async () => ({ hashes: await found, memory: bytes }),
        ({ memory }) => [memory],
      );
    },
  };
}

function ofBytes({ bytes }: { bytes: Uint8Array }): Uint8Array[] {
  return [bytes];
}

/** The answer goes with the memory of its bytes. */
async function handedOver<T extends object>(work: () => Promise<T>, bytesOf: (value: T) => Uint8Array[]): Promise<Answer<T>> {
  const answer = await answered(work);
  return answer.ok ? Comlink.transfer(answer, [...new Set(bytesOf(answer.value).map(({ buffer }) => buffer))]) : answer;
}

class DeflatedStream {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #out: Uint8Array[] = [];
  readonly #reading: Promise<void>;

  constructor() {
    const stream = new CompressionStream("deflate-raw");
    this.#writer = stream.writable.getWriter();
    this.#reading = this.#read(stream.readable.getReader());
    this.#reading.catch(() => undefined); // reported by the call that ends it
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    for (let next = await reader.read(); !next.done; next = await reader.read()) this.#out.push(next.value);
  }

  async write(bytes: Uint8Array): Promise<DeflatedPieces> {
    await this.#writer.write(bytes as Uint8Array<ArrayBuffer>);
    return { pieces: this.#out.splice(0), memory: bytes };
  }

  async end(): Promise<Uint8Array[]> {
    await this.#writer.close();
    await this.#reading;
    return this.#out.splice(0);
  }
}
