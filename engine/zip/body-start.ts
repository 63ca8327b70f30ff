import { blockLength, giveBlock } from "../block-pool.ts";
import { blocksOf } from "./blocks.ts";

/** The beginning of a body: the whole of it where it fits into one block, else its first blocks. */
export class BodyStart {
  readonly whole: Uint8Array | undefined;
  readonly #held: Uint8Array[];
  readonly #rest: AsyncGenerator<Uint8Array> | undefined;

  private constructor(whole: Uint8Array | undefined, held: Uint8Array[] = [], rest?: AsyncGenerator<Uint8Array>) {
    this.whole = whole;
    this.#held = held;
    this.#rest = rest;
  }

  static async of(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<BodyStart> {
    if (body instanceof Uint8Array && body.length <= blockLength) return new BodyStart(body);
    const blocks = blocksOf(body);
    const first = await blocks.next();
    if (first.done) return new BodyStart(new Uint8Array(0));
    const second = first.value.length < blockLength ? undefined : await blocks.next();
    if (second === undefined || second.done) return new BodyStart(first.value, [first.value], blocks);
    return new BodyStart(undefined, [first.value, second.value], blocks);
  }

  get first(): Uint8Array | undefined {
    return this.#held[0];
  }

  /** All blocks, handed over; of a body that is not whole. */
  async *blocks(): AsyncGenerator<Uint8Array> {
    yield* this.#held.splice(0);
    yield* this.#rest!;
  }

  /** To be called once nothing of it is needed any more. */
  async release(): Promise<void> {
    for (const block of this.#held.splice(0)) giveBlock(block);
    await this.#rest?.return(undefined);
  }
}
