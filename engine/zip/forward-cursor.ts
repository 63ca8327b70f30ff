import { concat } from "../bytes.ts";
import { zipFault } from "./fault.ts";

/** What stays readable behind the cursor: more than an inflater takes ahead of its stream's end, and more than an end record with its comment. */
const keptBehind = 256 * 1024;
const keptPieces = 3;
const smallestPiece = 16 * 1024;

interface Kept {
  offset: number;
  bytes: Uint8Array;
}

/** Reads a stream forward by count, and a little way back. Offsets are bytes from the stream's start. */
export class ForwardCursor {
  readonly #input: AsyncIterator<Uint8Array>;
  /** Pieces in order; those before `#next` have been passed. */
  readonly #pieces: Kept[] = [];
  #received = 0;
  #ended = false;
  offset = 0;

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  /** Releases the input. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#input.return?.();
  }

  /** Up to `length` bytes from the cursor on, without moving it: fewer only at the end of the stream. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.#received < this.offset + length && (await this.#receive()));
    return this.#slice(this.offset, Math.min(this.offset + length, this.#received));
  }

  async take(length: number): Promise<Uint8Array> {
    const bytes = await this.peek(length);
    if (bytes.length < length)
      throw zipFault("ZIP_TRUNCATED", "the stream ends in the middle of a record", this.offset + bytes.length);
    this.moveTo(this.offset + length);
    return bytes;
  }

  /** The next bytes there are, at most `limit`; `undefined` at the end. */
  async next(limit: number): Promise<Uint8Array | undefined> {
    if (this.#received === this.offset && !(await this.#receive())) return undefined;
    const piece = this.#pieces.find(({ offset, bytes }) => offset + bytes.length > this.offset)!;
    const from = this.offset - piece.offset;
    const bytes = piece.bytes.subarray(from, Math.min(piece.bytes.length, from + limit));
    this.moveTo(this.offset + bytes.length);
    return bytes;
  }

  /** Moves to an offset that has been received, back by what is kept at most. */
  moveTo(offset: number): void {
    this.offset = offset;
    while (this.#pieces.length > keptPieces && this.#pieces[1]!.offset + keptBehind <= offset) this.#pieces.shift();
  }

  /** Bytes from `from` to the end of what was received, as far back as they are kept. */
  behind(from: number): Kept {
    const first = Math.max(from, this.#pieces[0]?.offset ?? this.#received);
    return { offset: first, bytes: this.#slice(first, this.#received) };
  }

  /** Small pieces are joined: what follows looks through them again and again. */
  async #receive(): Promise<boolean> {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (!this.#ended && length < smallestPiece) {
      const { done, value } = await this.#input.next();
      if (done) this.#ended = true;
      else {
        parts.push(value);
        length += value.length;
      }
    }
    if (length > 0) this.#pieces.push({ offset: this.#received, bytes: concat(parts) });
    this.#received += length;
    return length > 0;
  }

  #slice(from: number, to: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const { offset, bytes } of this.#pieces) {
      if (offset + bytes.length <= from || offset >= to) continue;
      parts.push(bytes.subarray(Math.max(0, from - offset), Math.min(bytes.length, to - offset)));
    }
    return concat(parts);
  }
}
