import * as Comlink from "comlink";
import type { Codec, Sha256 } from "../../engine/codec.ts";
import { release } from "../../engine/release.ts";
import { answered } from "./failure.ts";
import type { PackingWorker } from "./pool-protocol.ts";
import type { Answer } from "./protocol.ts";

/** Packing as a service of one Worker to another. */
export function packing(codecReady: Promise<Codec>): PackingWorker {
  const streams = new Map<number, DeflatedStream>();
  let hash: Promise<Sha256> | undefined;
  const hasher = async () => {
    hash ??= codecReady.then((codec) => codec.createSha256());
    return hash;
  };
  return {
    async packBatch(bytes, lengths, level) {
      const answer = await answered(async () => (await codecReady).packBatch(bytes, lengths, level));
      return answer.ok ? Comlink.transfer(answer, [answer.value.bytes.buffer]) : answer;
    },
    deflate(id, bytes) {
      const stream = streams.get(id) ?? new DeflatedStream();
      streams.set(id, stream);
      return handedOver(answered(() => stream.write(bytes)));
    },
    endDeflate(id) {
      const stream = streams.get(id) ?? new DeflatedStream();
      streams.delete(id);
      return handedOver(answered(() => stream.end()));
    },
    hash: (bytes) =>
      answered(async () => {
        (await hasher()).update(bytes);
        release(bytes);
        return null;
      }),
    digest: () =>
      answered(async () => {
        const digest = (await hasher()).digest();
        hash = undefined;
        return digest;
      }),
  };
}

async function handedOver(pieces: Promise<Answer<Uint8Array[]>>): Promise<Answer<Uint8Array[]>> {
  const answer = await pieces;
  return answer.ok
    ? Comlink.transfer(
        answer,
        answer.value.map(({ buffer }) => buffer),
      )
    : answer;
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

  async write(bytes: Uint8Array): Promise<Uint8Array[]> {
    await this.#writer.write(bytes as Uint8Array<ArrayBuffer>);
    release(bytes);
    return this.#out.splice(0);
  }

  async end(): Promise<Uint8Array[]> {
    await this.#writer.close();
    await this.#reading;
    return this.#out.splice(0);
  }
}
