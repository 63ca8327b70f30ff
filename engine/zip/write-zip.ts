import { giveBlock } from "../block-pool.ts";
import type { Codec, PackedBatch, PackedBlock } from "../codec.ts";
import type { EntryInput, WriteContainerOptions } from "../container.ts";
import { combineCrc32 } from "../crc32.ts";
import { assertNoCollisions, assertPath } from "../paths.ts";
import { Batch } from "./batch.ts";
import { gather } from "./blocks.ts";
import { BodyStart } from "./body-start.ts";
import { ByteStore } from "./byte-store.ts";
import { isIncompressible, lastBlock } from "./compress.ts";
import { assertSize, deferredEntry, newEntry } from "./new-entry.ts";
import { centralHeader, descriptor, endRecords, localHeader, type WrittenEntry } from "./write-records.ts";

export interface WriteZipOptions extends WriteContainerOptions {
  codec: Codec;
  /** 0 (stored) to 9. */
  level?: number;
}

/** Work in flight: this many bytes of memory and pieces at most, which bounds the memory whatever the entries. */
const bytesInFlight = 4 * 1024 * 1024;
const piecesInFlight = 64;
/** Of rows, a quarter faster than 6 for 3 % more bytes; of smaller content, about the same as 6. */
const defaultLevel = 5;

/** A piece of the archive whose making is under way. */
interface Piece {
  /** Bytes of memory it holds. */
  cost: number;
  /** The piece's bytes; called once, in order, with its offset in the archive. */
  emit(offset: number): Promise<Uint8Array[]> | Uint8Array[];
  /** Takes back the memory of what `emit` gave, once it has been used. */
  release?(): void;
}

/**
 * A ZIP archive, made as it is pulled; never seeks. Entries are compressed several at a time and large ones block by block, in
 * order. The same entries give the same bytes with the same codec. A path may end in a slash: an empty folder.
 * Fails with `PATH_` codes for names that no reader should accept, with `INTEGRITY_SIZE` when a body is not as long as announced, with
 * what a body fails with, and with `signal.reason`; what was given until then is no archive.
 */
export function writeZip(
  entries: AsyncIterable<EntryInput> | Iterable<EntryInput>,
  options: WriteZipOptions,
): AsyncGenerator<Uint8Array> {
  return gather(new ZipWriter(options).write(entries), options.reuseMemory === true);
}

class ZipWriter {
  readonly #options: WriteZipOptions;
  readonly #level: number;
  readonly #directory = new ByteStore();
  readonly #paths: string[] = [];
  #offset = 0;

  constructor(options: WriteZipOptions) {
    this.#options = options;
    this.#level = options.level ?? defaultLevel;
  }

  async *write(entries: AsyncIterable<EntryInput> | Iterable<EntryInput>): AsyncGenerator<Uint8Array> {
    const queue: Piece[] = [];
    let cost = 0;
    for await (const piece of this.#pieces(entries)) {
      queue.push(piece);
      cost += piece.cost;
      while (cost > bytesInFlight || queue.length > piecesInFlight) {
        const first = queue.shift()!;
        cost -= first.cost;
        yield* this.#emit(first);
      }
    }
    for (const piece of queue) yield* this.#emit(piece);
    yield* this.#end();
  }

  async *#emit(piece: Piece): AsyncGenerator<Uint8Array> {
    this.#options.signal?.throwIfAborted();
    for (const bytes of await piece.emit(this.#offset)) {
      this.#offset += bytes.length;
      yield bytes;
    }
    piece.release?.();
  }

  *#end(): Generator<Uint8Array> {
    assertNoCollisions(this.#paths);
    yield* this.#directory.chunks();
    yield endRecords(this.#paths.length, this.#directory.length, this.#offset);
  }

  async *#pieces(entries: AsyncIterable<EntryInput> | Iterable<EntryInput>): AsyncGenerator<Piece> {
    let batch = new Batch();
    for await (const input of entries) {
      this.#options.signal?.throwIfAborted();
      assertPath(input.path);
      this.#paths.push(input.path);
      const start = await BodyStart.of(input.body);
      try {
        const { whole } = start;
        if (batch.inputs.length > 0 && (whole === undefined || batch.isFull(whole.length))) {
          yield this.#batch(batch);
          batch = new Batch();
        }
        if (whole === undefined) yield* this.#large(input, start);
        else this.#small(input, whole, batch);
      } finally {
        await start.release();
      }
    }
    if (batch.inputs.length > 0) yield this.#batch(batch);
  }

  #small(input: EntryInput, content: Uint8Array, batch: Batch): void {
    assertSize(input, content.length);
    batch.add(input, content);
  }

  /** Several small entries, held in memory, compressed by one task and written with their sizes up front. */
  #batch(batch: Batch): Piece {
    const work = started(batch.pack(this.#level, this.#options.codec));
    let packed: PackedBatch | undefined;
    return {
      cost: batch.memory,
      emit: async (offset) => {
        packed = await work;
        return this.#emitBatch(batch, packed, offset);
      },
      release: () => giveBlock(packed!.bytes),
    };
  }

  #emitBatch(batch: Batch, packed: PackedBatch, offset: number): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let at = 0;
    let headerOffset = offset;
    for (const [i, input] of batch.inputs.entries()) {
      const { length, deflated, crc32 } = packed.pieces[i]!;
      const entry = { ...newEntry(input), deflated, crc32, size: batch.lengths[i]!, storedSize: length, headerOffset };
      const header = localHeader(entry, this.#options.modifiedAt);
      chunks.push(header, packed.bytes.subarray(at, at + length));
      this.#list(entry);
      at += length;
      headerOffset += header.length + length;
    }
    return chunks;
  }

  async *#large(input: EntryInput, start: BodyStart): AsyncGenerator<Piece> {
    const entry = deferredEntry(input);
    const { codec } = this.#options;
    yield this.#begin(entry);
    if (codec.deflateStream !== undefined && this.#level > 0 && !(await isIncompressible(start.first!, codec))) {
      const content = this.#counted(entry, start.blocks());
      for await (const data of codec.deflateStream(content, this.#level)) yield this.#deflated(entry, data);
    } else {
      for await (const block of start.blocks()) yield this.#block(entry, block);
      yield this.#deflated(entry, lastBlock);
    }
    assertSize(input, entry.size);
    yield this.#finish(entry);
  }

  #begin(entry: WrittenEntry): Piece {
    return {
      cost: 0,
      emit: (offset) => {
        entry.headerOffset = offset;
        return [localHeader(entry, this.#options.modifiedAt)];
      },
    };
  }

  #block(entry: WrittenEntry, block: Uint8Array): Piece {
    const { length } = block;
    entry.size += length;
    const work = started(this.#options.codec.packBlock(block, this.#level));
    let packed: PackedBlock | undefined;
    const emit = async () => {
      packed = await work;
      entry.crc32 = combineCrc32(entry.crc32, packed.crc32, length);
      entry.storedSize += packed.bytes.length;
      return [packed.bytes];
    };
    return { cost: length, emit, release: () => giveBlock(packed!.bytes) };
  }

  async *#counted(entry: WrittenEntry, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const block of content) {
      entry.crc32 = this.#options.codec.crc32(block, entry.crc32);
      entry.size += block.length;
      yield block;
    }
  }

  #deflated(entry: WrittenEntry, data: Uint8Array) {
    const emit = () => {
      entry.storedSize += data.length;
      return [data];
    };
    return { cost: data.length, emit };
  }

  #finish(entry: WrittenEntry): Piece {
    return {
      cost: 0,
      emit: () => {
        this.#list(entry);
        return [descriptor(entry)];
      },
    };
  }

  #list(entry: WrittenEntry): void {
    this.#directory.add(centralHeader(entry, this.#options.modifiedAt));
  }
}

/** Work that is awaited later, or never when the archive is given up: its failure is reported where it is awaited. */
function started<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
