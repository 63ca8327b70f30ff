import { BackupError } from "../errors.ts";

const newline = 0x0a;
const comma = 0x2c;

/**
 * Turns canonical table text, in pieces cut anywhere, into one row a line: the first and the last line go, and so does the
 * comma at the end of each row.
 */
export class RowLines {
  count = 0;
  #atStart = true;
  /** A comma that ended a piece: whether it separates rows shows in the next piece. */
  #heldComma = false;
  #lineLength = 0;
  #firstByte = 0;

  take(chunk: Uint8Array): Uint8Array {
    const out = new Uint8Array(chunk.length + 1);
    let used = 0;
    for (let p = 0; p < chunk.length; ) {
      const found = chunk.indexOf(newline, p);
      const end = found === -1 ? chunk.length : found;
      used = this.#copy(chunk, p, end, out, used);
      p = end;
      if (found === -1) break;
      used = this.#endLine(out, used);
      p++;
    }
    return out.subarray(0, used);
  }

  #copy(chunk: Uint8Array, start: number, end: number, out: Uint8Array, used: number): number {
    if (start === end) return used;
    let at = used;
    if (this.#lineLength === 0) this.#firstByte = chunk[start]!;
    if (this.#heldComma) out[at++] = comma;
    this.#lineLength += end - start;
    if (this.#firstByte !== 0x7b) {
      this.#heldComma = false;
      return at;
    }
    this.#heldComma = chunk[end - 1] === comma;
    const stop = this.#heldComma ? end - 1 : end;
    out.set(chunk.subarray(start, stop), at);
    at += stop - start;
    return at;
  }

  #endLine(out: Uint8Array, used: number): number {
    const isRow = this.#firstByte === 0x7b && this.#lineLength > 0;
    if (!isRow && !this.#atStart && this.#firstByte !== 0x5d) {
      throw new BackupError("SCHEMA_ROW", "the table is not in canonical form: a line is no row");
    }
    this.#atStart = false;
    this.#heldComma = false;
    this.#lineLength = 0;
    if (!isRow) return used;
    this.count++;
    out[used] = newline;
    return used + 1;
  }
}
