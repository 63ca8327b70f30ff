import type { ByteSource } from "../../engine/byte-source.ts";
import { concat } from "../../engine/bytes.ts";
import { createPrivateFile } from "./private-files.ts";

/** A part of a source as a source: the text of a table that lies uncompressed in its container. */
export function partOf(source: ByteSource, offset: number, size: number): ByteSource {
  return { size, read: (at, length, signal) => source.read(offset + at, length, signal) };
}

/** Texts up to this size are kept in memory. */
const inMemory = 4 * 1024 * 1024;

interface Kept {
  append(bytes: Uint8Array): void;
  read(offset: number, length: number): Uint8Array;
  remove(): Promise<void>;
}

/**
 * The text of a compressed table, of which any place can be read: unpacked from its beginning up to the furthest place that was wanted, and
 * kept so far.
 */
export class KeptText implements ByteSource {
  readonly size: number;
  readonly #open: () => AsyncIterable<Uint8Array>;
  #kept: Kept | undefined;
  #keptBytes = 0;
  #reading: AsyncIterator<Uint8Array> | undefined;
  #repeated: RepeatedText | undefined;
  /** Reads wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Told how much of the text is kept, while more of it is unpacked. */
  onProgress: (bytes: number) => void = () => {};

  /** `open` gives the text from its beginning. */
  static async create(size: number, open: () => AsyncIterable<Uint8Array>): Promise<KeptText> {
    if (size <= inMemory) return new KeptText(size, open, new Memory(size));
    return new KeptText(size, open, await createPrivateFile(`rows-${crypto.randomUUID()}`).catch(() => undefined));
  }

  private constructor(size: number, open: () => AsyncIterable<Uint8Array>, kept: Kept | undefined) {
    this.size = size;
    this.#open = open;
    this.#kept = kept;
  }

  /** The whole text, kept as it passes; to be read to its end before anything else. */
  async *pieces(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) {
      signal.throwIfAborted();
      yield piece;
    }
  }

  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = this.#turn.then(() => this.#read(offset, length, signal));
    this.#turn = bytes.catch(() => undefined); // reported to whoever asked for them
    return bytes;
  }

  async #read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    while (this.#kept !== undefined && this.#keptBytes < offset + length) {
      signal?.throwIfAborted();
      if ((await this.#next()) === undefined) throw new RangeError("a table's text is shorter than it was");
    }
    if (this.#kept !== undefined) return this.#kept.read(offset, length);
    this.#repeated ??= new RepeatedText(this.size, this.#open);
    return this.#repeated.read(offset, length, signal);
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#reading ??= this.#open()[Symbol.asyncIterator]();
    const { done, value } = await this.#reading.next();
    if (done) return undefined;
    this.#append(value);
    return value;
  }

  /** A full disk only makes reading slower. */
  #append(piece: Uint8Array): void {
    try {
      this.#kept?.append(piece);
    } catch {
      void this.#drop();
    }
    this.#keptBytes += piece.length;
    this.onProgress(this.#keptBytes);
  }

  async #drop(): Promise<void> {
    const kept = this.#kept;
    this.#kept = undefined;
    await kept?.remove();
  }

  async close(): Promise<void> {
    await this.#reading?.return?.();
    await this.#repeated?.close();
    await this.#drop();
  }
}

class Memory implements Kept {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  append(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + length);
  }

  async remove(): Promise<void> {}
}

/** Reads a text from its beginning to where something is wanted, and goes on from there where the next place lies behind. */
class RepeatedText implements ByteSource {
  readonly size: number;
  readonly #again: () => AsyncIterable<Uint8Array>;
  #reading: AsyncIterator<Uint8Array> | undefined;
  #piece: Uint8Array = new Uint8Array(0);
  /** Where the piece begins. */
  #offset = 0;

  constructor(size: number, again: () => AsyncIterable<Uint8Array>) {
    this.size = size;
    this.#again = again;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#reading === undefined || offset < this.#offset) await this.#restart();
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

  async #restart(): Promise<void> {
    await this.close();
    this.#reading = this.#again()[Symbol.asyncIterator]();
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
