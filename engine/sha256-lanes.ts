import { initialState, inputLength, kernel, lanes, stateAt } from "./sha256-kernel.ts";

/** A message in parts that lie one behind the other. */
export type Message = readonly Uint8Array[];

/** SHA-256 of several messages at once, in lowercase hex, in their order. */
export type HashMany = (messages: readonly Message[]) => string[];

const blockLength = 64;

/** Every runtime has it, and not every set of types that the engine is checked with. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  instantiate(bytes: Uint8Array): Promise<{ instance: { exports: unknown } }>;
};

/** Nothing where the runtime has no 128-bit vectors. */
export async function createHashMany(): Promise<HashMany | undefined> {
  const bytes = kernel();
  if (!WebAssembly.validate(bytes)) return undefined;
  const { instance } = await WebAssembly.instantiate(bytes);
  const { memory, run } = instance.exports as { memory: { buffer: ArrayBuffer }; run(blocks: number): void };
  const all = Array.from({ length: lanes }, (_, number) => new Lane(memory.buffer, number));
  return (messages) => hashMany(messages, all, run);
}

/** The longest first, so that all lanes have work until nearly the end. */
function hashMany(messages: readonly Message[], all: readonly Lane[], run: (blocks: number) => void): string[] {
  const waiting = messages.map((parts, number) => ({ number, parts, length: parts.reduce((sum, part) => sum + part.length, 0) }));
  waiting.sort((a, b) => a.length - b.length);
  const hashes = new Array<string>(messages.length);
  const taken = new Map<Lane, number>();
  for (;;) {
    for (const lane of all) {
      const next = taken.has(lane) ? undefined : waiting.pop();
      if (next === undefined) continue;
      lane.start(next.parts, next.length);
      taken.set(lane, next.number);
    }
    if (taken.size === 0) return hashes;
    const blocks = Math.min(inputLength / blockLength, ...[...taken.keys()].map((lane) => lane.blocksLeft));
    for (const lane of taken.keys()) lane.fill(blocks);
    run(blocks);
    for (const [lane, number] of taken) {
      if (lane.blocksLeft > 0) continue;
      hashes[number] = lane.digest();
      taken.delete(lane);
    }
  }
}

/** One message on its way through the kernel's memory. */
class Lane {
  /** With those of the padding. */
  blocksLeft = 0;
  readonly #input: Uint8Array;
  /** All lanes' words, those of a lane `lanes` apart. */
  readonly #state: Uint32Array;
  readonly #number: number;
  #parts: Message = [];
  #part = 0;
  /** Bytes of the part that have been given. */
  #given = 0;
  #length = 0;
  #marked = false;

  constructor(memory: ArrayBuffer, number: number) {
    this.#input = new Uint8Array(memory, number * inputLength, inputLength);
    this.#state = new Uint32Array(memory, stateAt, 8 * lanes);
    this.#number = number;
  }

  start(parts: Message, length: number): void {
    this.#parts = parts;
    this.#part = 0;
    this.#given = 0;
    this.#length = length;
    this.#marked = false;
    this.blocksLeft = Math.ceil((length + 9) / blockLength);
    for (const [i, word] of initialState.entries()) this.#state[i * lanes + this.#number] = word;
  }

  /** Puts the next blocks of the message, padded as FIPS 180-4, 5.1.1 says, in front of the kernel. */
  fill(blocks: number): void {
    const wanted = blocks * blockLength;
    this.blocksLeft -= blocks;
    const filled = this.#copy(wanted);
    if (filled < wanted) this.#pad(filled, wanted);
  }

  #copy(wanted: number): number {
    let filled = 0;
    while (filled < wanted && this.#part < this.#parts.length) {
      const part = this.#parts[this.#part]!;
      const more = part.subarray(this.#given, this.#given + wanted - filled);
      this.#input.set(more, filled);
      filled += more.length;
      this.#given += more.length;
      if (this.#given === part.length) {
        this.#part++;
        this.#given = 0;
      }
    }
    return filled;
  }

  #pad(filled: number, wanted: number): void {
    this.#input.fill(0, filled, wanted);
    if (!this.#marked) this.#input[filled] = 0x80;
    this.#marked = true;
    if (this.blocksLeft > 0) return;
    const view = new DataView(this.#input.buffer, this.#input.byteOffset + wanted - 8, 8);
    view.setUint32(0, Math.floor(this.#length / 2 ** 29));
    view.setUint32(4, (this.#length * 8) >>> 0);
  }

  digest(): string {
    const word = (i: number) => this.#state[i * lanes + this.#number]!.toString(16).padStart(8, "0");
    return [0, 1, 2, 3, 4, 5, 6, 7].map(word).join("");
  }
}
