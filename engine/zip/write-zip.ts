import type { Codec } from "../codec.ts";
import type { EntryInput, WriteContainerOptions } from "../container.ts";
import { BackupError } from "../errors.ts";
import { assertNoCollisions, assertPath, printableName } from "../paths.ts";
import { blocksOf, gather } from "./blocks.ts";
import { deflateBlock, deflateWhole, lastBlock } from "./compress.ts";
import { max32 } from "./records.ts";
import { centralHeader, descriptor, endRecords, localHeader, type WrittenEntry } from "./write-records.ts";

export interface WriteZipOptions extends WriteContainerOptions {
  codec: Codec;
  /** 0 (stored) to 9. */
  level?: number;
}

/** Work in flight: this many input bytes and pieces at most, which bounds the memory whatever the entries. */
const bytesInFlight = 8 * 1024 * 1024;
const piecesInFlight = 512;
/** Entries up to this many blocks are held in memory and written with sizes up front; larger ones with a descriptor. */
const wholeBlocks = 2;
/** Above this a deflated entry may come to need 64-bit sizes. */
const zip64From = max32 - 64 * 1024 * 1024;
const defaultLevel = 6;
const encoder = new TextEncoder();

/** A piece of the archive whose making is under way. */
interface Piece {
  /** Input bytes it holds. */
  cost: number;
  /** The piece's bytes; called once, in order, with its offset in the archive. */
  emit(offset: number): Promise<Uint8Array[]> | Uint8Array[];
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
  return gather(new ZipWriter(options).write(entries));
}

class ZipWriter {
  readonly #options: WriteZipOptions;
  readonly #level: number;
  readonly #directory: Uint8Array[] = [];
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
  }

  *#end(): Generator<Uint8Array> {
    assertNoCollisions(this.#paths);
    const offset = this.#offset;
    let size = 0;
    for (const header of this.#directory) {
      size += header.length;
      yield header;
    }
    yield endRecords(this.#directory.length, size, offset);
  }

  async *#pieces(entries: AsyncIterable<EntryInput> | Iterable<EntryInput>): AsyncGenerator<Piece> {
    for await (const input of entries) {
      this.#options.signal?.throwIfAborted();
      assertPath(input.path);
      this.#paths.push(input.path);
      yield* this.#entryPieces(input);
    }
  }

  async *#entryPieces(input: EntryInput): AsyncGenerator<Piece> {
    const blocks = blocksOf(input.body);
    const held: Uint8Array[] = [];
    let size = 0;
    let large: WrittenEntry | undefined;
    for await (const block of blocks) {
      size += block.length;
      if (large === undefined) held.push(block);
      if (large !== undefined) yield this.#block(large, block);
      else if (held.length > wholeBlocks) {
        large = deferredEntry(input);
        yield this.#begin(large);
        for (const early of held.splice(0)) yield this.#block(large, early);
      }
    }
    assertSize(input, size);
    yield large === undefined ? this.#whole(input, held) : this.#finish(large);
  }

  #whole(input: EntryInput, held: readonly Uint8Array[]): Piece {
    const content = held.length === 1 ? held[0]! : concat(held);
    const crc32 = this.#options.codec.crc32(content);
    const work = started(deflateWhole(content, this.#level, this.#options.codec));
    return {
      cost: content.length,
      emit: async (headerOffset) => {
        const deflated = await work;
        const data = deflated ?? content;
        const known = { crc32, size: content.length, storedSize: data.length, headerOffset };
        const entry = { ...newEntry(input), deflated: deflated !== undefined, ...known };
        this.#list(entry);
        return [localHeader(entry, this.#options.modifiedAt), data];
      },
    };
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
    entry.crc32 = this.#options.codec.crc32(block, entry.crc32);
    entry.size += block.length;
    const work = started(deflateBlock(block, this.#level, this.#options.codec));
    return {
      cost: block.length,
      emit: async () => {
        const data = await work;
        entry.storedSize += data.length;
        return [data];
      },
    };
  }

  #finish(entry: WrittenEntry): Piece {
    return {
      cost: 0,
      emit: () => {
        entry.storedSize += lastBlock.length;
        this.#list(entry);
        return [lastBlock, descriptor(entry)];
      },
    };
  }

  #list(entry: WrittenEntry): void {
    this.#directory.push(centralHeader(entry, this.#options.modifiedAt));
  }
}

function newEntry(input: EntryInput): WrittenEntry {
  const directory = input.path.endsWith("/");
  const name = encoder.encode(input.path);
  return { name, directory, deflated: false, deferred: false, zip64: false, crc32: 0, size: 0, storedSize: 0, headerOffset: 0 };
}

/** Without a size that is known to fit, the local header must announce 64-bit sizes: it is written before they are known. */
function deferredEntry(input: EntryInput): WrittenEntry {
  return { ...newEntry(input), deflated: true, deferred: true, zip64: input.size === undefined || input.size >= zip64From };
}

function assertSize(input: EntryInput, size: number): void {
  const details = { entry: printableName(input.path) };
  if (input.size !== undefined && input.size !== size) {
    throw new BackupError(
      "INTEGRITY_SIZE",
      `"${details.entry}" was announced with ${input.size} bytes and gave ${size}; it changed while it was read`,
      details,
    );
  }
  if (size > 0 && input.path.endsWith("/"))
    throw new BackupError("INTEGRITY_SIZE", `the folder "${details.entry}" has content`, details);
}

/** Work that is awaited later, or never when the archive is given up: its failure is reported where it is awaited. */
function started<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
