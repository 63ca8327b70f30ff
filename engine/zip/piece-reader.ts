import type { ByteSource } from "../byte-source.ts";

/** Where a piece lies in its source. */
export interface Piece {
  offset: number;
  length: number;
}

/** Reads pieces in order, one ahead of whoever takes them. A piece stays as it is until two more have been taken, or as long as they are held. */
export class PieceReader {
  readonly #source: ByteSource;
  readonly #pieces: readonly Piece[];
  readonly #signal: AbortSignal | undefined;
  #taken: Uint8Array[] = [];
  #ahead: Promise<Uint8Array> | undefined;
  /** Number of the piece that is taken next. */
  #at = 0;
  /** Whether pieces stay as they are until they are let go. */
  holding = false;

  constructor(source: ByteSource, pieces: readonly Piece[], signal?: AbortSignal) {
    this.#source = source;
    this.#pieces = pieces;
    this.#signal = signal;
  }

  async take(): Promise<Uint8Array> {
    if (!this.holding && this.#taken.length === 2) this.#source.release?.(this.#taken.shift()!);
    const piece = await (this.#ahead ?? this.#read(this.#at));
    this.#taken.push(piece);
    this.#at++;
    this.#ahead = this.#at < this.#pieces.length ? this.#read(this.#at) : undefined;
    return piece;
  }

  /** Goes on with a later piece. */
  skipTo(number: number): void {
    if (number === this.#at) return;
    this.#dropAhead();
    this.#at = number;
  }

  close(): void {
    this.#dropAhead();
    this.letGo();
  }

  /** Nothing that was taken may be looked at any more. */
  letGo(): void {
    for (const piece of this.#taken.splice(0)) this.#source.release?.(piece);
  }

  #dropAhead(): void {
    void this.#ahead?.then((piece) => this.#source.release?.(piece)).catch(() => undefined); // nobody wants it any more
    this.#ahead = undefined;
  }

  #read(number: number): Promise<Uint8Array> {
    const { offset, length } = this.#pieces[number]!;
    const piece = this.#source.read(offset, length, this.#signal);
    piece.catch(() => undefined); // it is awaited later, or never when the reader stops early
    return piece;
  }
}
