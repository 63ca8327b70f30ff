import { blockLength } from "../../engine/block-pool.ts";
import type { RowIndex } from "../../engine/bundle/row-index.ts";
import { type ByteSource, pieceLength } from "../../engine/byte-source.ts";
import { concat } from "../../engine/bytes.ts";
import type { Codec } from "../../engine/codec.ts";
import { lastBlock } from "../../engine/zip/compress.ts";
import type { ZipStretch } from "../../engine/zip/list-zip.ts";

/** A sync flush ends in an empty stored block (RFC 1951, 3.2.4): its lengths. */
const flushLength = 4;

/** A table was packed in another way than it seemed: whoever reads it from its beginning can read it. */
export class NotInBlocks extends Error {}

interface Block {
  number: number;
  bytes: Uint8Array;
}

/**
 * The text of a compressed table of which any place can be read by unpacking little: what Holdall packs on a server is deflated by blocks of
 * `blockLength` bytes that know nothing of each other, each ended by a sync flush. Where the flushes lie is found as far as it is needed,
 * by looking for their bytes; that what is found are blocks is never taken for granted.
 */
export class BlockText implements ByteSource {
  readonly size: number;
  /** Where rows begin, once that is known: what is unpacked is held against it. */
  index: RowIndex | undefined;
  readonly #source: ByteSource;
  readonly #entry: ZipStretch;
  readonly #codec: Codec;
  /** Of the blocks found so far, where each begins in the compressed data. */
  readonly #starts = [0];
  /** Compressed bytes that have been searched. */
  #searched = 0;
  #last: Block | undefined;

  /** Nothing where the table is not in blocks. Its local header has been looked at. */
  static async open(source: ByteSource, entry: ZipStretch, codec: Codec, signal: AbortSignal): Promise<BlockText | undefined> {
    const text = new BlockText(source, entry, codec);
    return (await text.#block(0, signal)) === undefined ? undefined : text;
  }

  private constructor(source: ByteSource, entry: ZipStretch, codec: Codec) {
    this.size = entry.size;
    this.#source = source;
    this.#entry = entry;
    this.#codec = codec;
  }

  /** @throws NotInBlocks where the text is not what it seemed. */
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let at = offset; at < offset + length; ) {
      const number = Math.floor(at / blockLength);
      const block = await this.#block(number, signal);
      if (block === undefined) throw new NotInBlocks();
      const start = at - number * blockLength;
      const part = block.subarray(start, start + offset + length - at);
      parts.push(part);
      at += part.length;
    }
    return concat(parts);
  }

  async close(): Promise<void> {
    this.#last = undefined;
  }

  async #block(number: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#last?.number === number) return this.#last.bytes;
    const { dataOffset, storedSize } = this.#entry;
    const isLast = (number + 1) * blockLength >= this.size;
    // A block that does not shrink has no flush behind it, and then none is found where one should be.
    await this.#find(isLast ? number : number + 1, signal);
    const start = this.#starts[number];
    const end = isLast ? storedSize : this.#starts[number + 1];
    if (start === undefined || end === undefined || end - start > 2 * blockLength) return undefined;
    const stored = await this.#source.read(dataOffset + start, end - start, signal);
    const size = Math.min(blockLength, this.size - number * blockLength);
    const bytes = await this.#codec.inflate(isLast ? stored : concat([stored, lastBlock]), size);
    this.#source.release?.(stored);
    if (bytes === null || !this.#fits(number, bytes)) return undefined;
    this.#last = { number, bytes };
    return bytes;
  }

  /** Searches for flushes until the beginning of the block is found; gives up where they are too far apart for blocks. */
  async #find(number: number, signal?: AbortSignal): Promise<void> {
    const { dataOffset, storedSize } = this.#entry;
    while (this.#starts.length <= number && this.#searched < storedSize) {
      if (this.#searched - this.#starts.at(-1)! > 2 * blockLength) return;
      const length = Math.min(pieceLength, storedSize - this.#searched);
      const bytes = await this.#source.read(dataOffset + this.#searched, length, signal);
      for (const end of flushesIn(bytes)) {
        const start = this.#searched + end;
        if (start > this.#starts.at(-1)!) this.#starts.push(start);
      }
      this.#source.release?.(bytes);
      const more = this.#searched + length < storedSize;
      // One may lie across two pieces.
      this.#searched += more ? length - flushLength + 1 : length;
    }
  }

  /** Whether rows begin where they are known to. */
  #fits(number: number, bytes: Uint8Array): boolean {
    const start = number * blockLength;
    return this.index?.offsetsBetween(start, start + bytes.length).every((offset) => bytes[offset - start] === 0x7b) ?? true;
  }
}

/** Positions behind each flush. */
function* flushesIn(bytes: Uint8Array): Generator<number> {
  for (let p = bytes.indexOf(0xff, flushLength - 1); p !== -1; p = bytes.indexOf(0xff, p + 1))
    if (bytes[p - 1] === 0xff && bytes[p - 2] === 0 && bytes[p - 3] === 0) yield p + 1;
}
