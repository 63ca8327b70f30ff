import { type ByteSource, pieceLength } from "../byte-source.ts";
import { AsciiNames } from "./ascii-names.ts";
import type { DirectoryExtent } from "./end-of-directory.ts";
import { readRange } from "./read-entry.ts";
import { longestHeader, viewOf } from "./records.ts";

/** The part of a directory that is looked at: it moves from header to header, and what follows it is read meanwhile. */
export class DirectoryWindow {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly names = new AsciiNames();
  /** Of the first of `bytes` in the source. */
  offset: number;
  #length = 0;
  readonly #pieces: AsyncGenerator<Uint8Array>;
  readonly #source: ByteSource;

  constructor(source: ByteSource, extent: DirectoryExtent, signal?: AbortSignal) {
    this.bytes = new Uint8Array(Math.min(extent.size, longestHeader + pieceLength));
    this.view = viewOf(this.bytes);
    this.offset = extent.offset;
    this.#pieces = readRange(source, extent.offset, extent.size, signal);
    this.#source = source;
  }

  /** Makes the window hold the `length` bytes, at most those of the longest header, that begin at `position`. */
  async hold(position: number, length: number): Promise<void> {
    this.bytes.copyWithin(0, position - this.offset, this.#length);
    this.#length -= position - this.offset;
    this.offset = position;
    while (this.#length < length) {
      const piece: Uint8Array = (await this.#pieces.next()).value;
      this.bytes.set(piece, this.#length);
      this.#length += piece.length;
      this.#source.release?.(piece);
    }
    this.names.read(this.bytes.subarray(0, this.#length), this.view);
  }

  holds(position: number, length: number): boolean {
    return position + length <= this.offset + this.#length;
  }
}
