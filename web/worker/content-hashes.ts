import * as Comlink from "comlink";
import { giveBlock, takeBlock } from "../../engine/block-pool.ts";
import type { ContentHasher, ContentHashing } from "../../engine/ndjson/stated-hashes.ts";
import { unwrapped } from "./failure.ts";
import type { HashedPart, PackingWorker } from "./pool-protocol.ts";

/** Blocks that a Worker has been given and not yet hashed: more would only fill the memory. */
const blocksUnderWay = 2;

/** Numbers of contents; several of these classes use the same Workers. */
let contents = 0;

/** Hashes contents in other Workers: they are copied into blocks, many small ones together. */
export class ContentHashes implements ContentHashing {
  readonly #lanes: HashLane[];
  #turn = 0;

  constructor(remotes: readonly Comlink.Remote<PackingWorker>[]) {
    this.#lanes = remotes.map((remote) => new HashLane(remote));
  }

  create(): ContentHasher {
    return this.#lanes[this.#turn++ % this.#lanes.length]!.create();
  }

  end(): void {
    for (const lane of this.#lanes) lane.flush();
  }
}

/** One Worker and the block that it is given next. A content stays with its Worker. */
class HashLane {
  readonly #remote: Comlink.Remote<PackingWorker>;
  readonly #underWay = new Set<Promise<void>>();
  readonly #waiting = new Map<number, PromiseWithResolvers<string>>();
  #block = takeBlock();
  #filled = 0;
  #parts: HashedPart[] = [];

  constructor(remote: Comlink.Remote<PackingWorker>) {
    this.#remote = remote;
  }

  create(): ContentHasher {
    const content = contents++;
    return {
      update: (bytes) => this.#add(content, bytes),
      digest: () => {
        const digest = Promise.withResolvers<string>();
        this.#waiting.set(content, digest);
        this.#part(content).last = true;
        return digest.promise;
      },
    };
  }

  /** Gives the Worker what there is. */
  flush(): void {
    if (this.#parts.length === 0) return;
    const bytes = this.#block.subarray(0, this.#filled);
    const parts = this.#parts;
    const sent = this.#send(bytes, parts).finally(() => this.#underWay.delete(sent));
    this.#underWay.add(sent);
    this.#block = takeBlock();
    this.#filled = 0;
    this.#parts = [];
  }

  #add(content: number, bytes: Uint8Array): Promise<void> | undefined {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.subarray(at, at + this.#block.length - this.#filled);
      this.#block.set(taken, this.#filled);
      this.#part(content).length += taken.length;
      this.#filled += taken.length;
      at += taken.length;
      if (this.#filled === this.#block.length) this.flush();
    }
    return this.#underWay.size > blocksUnderWay ? Promise.race(this.#underWay) : undefined;
  }

  #part(content: number): HashedPart {
    const last = this.#parts.at(-1);
    if (last?.content === content) return last;
    const part = { content, length: 0, last: false };
    this.#parts.push(part);
    return part;
  }

  async #send(bytes: Uint8Array, parts: HashedPart[]): Promise<void> {
    try {
      const { hashes, memory } = unwrapped(await this.#remote.hashParts(Comlink.transfer(bytes, [bytes.buffer]), parts));
      giveBlock(memory);
      for (const [content, sha256] of hashes) this.#settle(content)?.resolve(sha256);
    } catch (error) {
      for (const content of [...this.#waiting.keys()]) this.#settle(content)?.reject(error);
    }
  }

  #settle(content: number): PromiseWithResolvers<string> | undefined {
    const digest = this.#waiting.get(content);
    this.#waiting.delete(content);
    return digest;
  }
}
