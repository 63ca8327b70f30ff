import { type ByteSource, bytesSource } from "../../engine/byte-source.ts";
import { concat } from "../../engine/bytes.ts";
import { createPrivateFile, type PrivateFile } from "./private-files.ts";

/** A part of a source as a source: the text of a table that lies uncompressed in its container. */
export function partOf(source: ByteSource, offset: number, size: number): ByteSource {
  return { size, read: (at, length, signal) => source.read(offset + at, length, signal) };
}

/** Texts up to this size are kept in memory. */
const inMemory = 4 * 1024 * 1024;

/** Takes the text of a compressed table while it is gone through, so that any place of it can be read afterwards. */
export class KeptText {
  readonly #size: number;
  readonly #again: (signal?: AbortSignal) => AsyncIterable<Uint8Array>;
  readonly #parts: Uint8Array[] = [];
  #file: PrivateFile | undefined;

  /** `again` opens the text anew, for where it cannot be kept. */
  static async create(size: number, again: (signal?: AbortSignal) => AsyncIterable<Uint8Array>): Promise<KeptText> {
    const kept = new KeptText(size, again);
    if (size > inMemory) kept.#file = await createPrivateFile(`rows-${crypto.randomUUID()}`).catch(() => undefined);
    return kept;
  }

  private constructor(size: number, again: (signal?: AbortSignal) => AsyncIterable<Uint8Array>) {
    this.#size = size;
    this.#again = again;
  }

  add(piece: Uint8Array): void {
    if (this.#size <= inMemory) this.#parts.push(piece.slice());
    else this.#append(piece);
  }

  /** A full disk only makes reading slower. */
  #append(piece: Uint8Array): void {
    try {
      this.#file?.append(piece);
    } catch {
      void this.drop();
    }
  }

  source(): ByteSource {
    const file = this.#file;
    if (this.#size <= inMemory) return bytesSource(concat(this.#parts));
    if (file === undefined) return new RepeatedText(this.#size, this.#again);
    return {
      size: this.#size,
      read: async (offset, length) => file.read(offset, length),
      close: () => file.remove(),
    };
  }

  async drop(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.remove();
  }
}

/** Reads a text from its beginning to where something is wanted, and goes on from there where the next place lies behind. */
class RepeatedText implements ByteSource {
  readonly size: number;
  readonly #again: (signal?: AbortSignal) => AsyncIterable<Uint8Array>;
  #reading: AsyncIterator<Uint8Array> | undefined;
  #piece: Uint8Array = new Uint8Array(0);
  /** Where the piece begins. */
  #offset = 0;

  constructor(size: number, again: (signal?: AbortSignal) => AsyncIterable<Uint8Array>) {
    this.size = size;
    this.#again = again;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#reading === undefined || offset < this.#offset) await this.#restart(signal);
    const parts: Uint8Array[] = [];
    for (let wanted = length; wanted > 0; ) {
      signal?.throwIfAborted();
      const at = offset + length - wanted - this.#offset;
      if (at >= this.#piece.length) {
        await this.#next();
        continue;
      }
      const part = this.#piece.subarray(at, at + wanted);
      parts.push(part.slice());
      wanted -= part.length;
    }
    return concat(parts);
  }

  async #restart(signal?: AbortSignal): Promise<void> {
    await this.close();
    this.#reading = this.#again(signal)[Symbol.asyncIterator]();
  }

  async #next(): Promise<void> {
    this.#offset += this.#piece.length;
    const next = await this.#reading!.next();
    if (next.done) throw new RangeError("a table's text is shorter than it was");
    this.#piece = next.value;
  }

  async close(): Promise<void> {
    await this.#reading?.return?.();
    this.#reading = undefined;
    this.#piece = new Uint8Array(0);
    this.#offset = 0;
  }
}
