import { concat } from "../bytes.ts";
import { BackupError } from "../errors.ts";
import { truncated } from "./line-cursor.ts";

const newline = 0x0a;

/**
 * Lines and raw bytes of a stream as it arrives; memory is one piece and one line. What it gives is valid until it is asked for more, as the
 * input's pieces are.
 */
export class StreamCursor {
  /** Offset of the next unread byte. */
  offset = 0;
  readonly #input: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  /** The next line without its line end, where it lies whole in the piece at hand; so that a loop need not wait. */
  takeLine(): Uint8Array | undefined {
    const end = this.#piece.indexOf(newline, this.#at);
    if (end === -1) return undefined;
    const line = this.#piece.subarray(this.#at, end);
    this.#move(end + 1);
    return line;
  }

  /** The next line, wherever its pieces are. Fails where the stream ends within it or it is longer than `limit` bytes. */
  async line(limit: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const end = this.takeLine();
      if (end !== undefined) return parts.length === 0 ? end : concat([...parts, end]);
      const rest = this.#piece.subarray(this.#at);
      if (rest.length > 0) parts.push(rest.slice());
      length += rest.length;
      if (length > limit) throw tooLong(this.offset, limit);
      this.#move(this.#piece.length);
      if (!(await this.#next())) throw truncated(this.offset);
    }
  }

  /** Exactly `length` raw bytes, in pieces. */
  async *bytes(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (this.#at === this.#piece.length && !(await this.#next())) throw truncated(this.offset);
      const part = this.#piece.subarray(this.#at, this.#at + left);
      left -= part.length;
      this.#move(this.#at + part.length);
      yield part;
    }
  }

  /** Whether nothing follows. */
  async atEnd(): Promise<boolean> {
    return this.#at === this.#piece.length && !(await this.#next());
  }

  async close(): Promise<void> {
    await this.#input.return?.();
  }

  #move(at: number): void {
    this.offset += at - this.#at;
    this.#at = at;
  }

  async #next(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#input.next();
      if (done) return false;
      if (value.length === 0) continue;
      this.#piece = value;
      this.#at = 0;
      return true;
    }
  }
}

function tooLong(offset: number, limit: number): BackupError {
  return new BackupError("LIMIT_ROW_BYTES", `a line at byte ${offset} is longer than the limit of ${limit} bytes`, { offset });
}
