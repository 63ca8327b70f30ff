import { BackupError } from "../errors.ts";
import { RowFields, scanRow } from "../json/row.ts";
import { incomplete, JsonSyntaxError, skipSpace } from "../json/scanner.ts";
import { PendingBytes } from "./pending-bytes.ts";

/** Where a row stands in its table entry; row and line are 1-based, `line` as an editor counts. */
export interface RowPlace {
  row: number;
  line: number;
}

export interface TableVisitor {
  /** Called for every row, in order. `bytes`, `fields` and `place` are only valid during the call. */
  row(bytes: Uint8Array, fields: RowFields, place: RowPlace, start: number, end: number): void;
  /** Called before the rows that lie in a piece of the text: `offset` is where its first byte lies in the entry. */
  piece?(offset: number): void;
  /** Called when the rows of a chunk are through: the place to wait for whoever takes them. */
  pause?(): Promise<void>;
}

/**
 * Reads any JSON array of objects with any white space, as it arrives. Memory is bounded by `rowBytes`.
 * @returns the number of rows.
 * @throws BackupError `SCHEMA_ROW` or `LIMIT_ROW_BYTES` with entry, row and line.
 */
export async function readTable(
  chunks: AsyncIterable<Uint8Array>,
  entry: string,
  visitor: TableVisitor,
  rowBytes: number,
): Promise<number> {
  const steps = readTableInSteps(chunks, entry, visitor, rowBytes);
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
    if (visitor.pause !== undefined) await visitor.pause();
  }
}

/** The same for whoever is pulled itself: stops behind the rows of every chunk. */
export async function* readTableInSteps(
  chunks: AsyncIterable<Uint8Array>,
  entry: string,
  visitor: TableVisitor,
  rowBytes: number,
): AsyncGenerator<void, number> {
  const scanner = new TableScanner(entry, visitor, rowBytes);
  for await (const chunk of chunks) {
    scanner.push(chunk);
    yield;
  }
  return scanner.finish();
}

type Expecting = "array" | "row or end" | "row" | "comma or end" | "nothing";

class TableScanner {
  readonly #entry: string;
  readonly #visitor: TableVisitor;
  readonly #rowBytes: number;
  readonly #fields = new RowFields();
  readonly #place: RowPlace = { row: 0, line: 1 };
  #expecting: Expecting = "array";
  readonly #pending: PendingBytes;

  constructor(entry: string, visitor: TableVisitor, rowBytes: number) {
    this.#entry = entry;
    this.#visitor = visitor;
    this.#rowBytes = rowBytes;
    this.#pending = new PendingBytes(rowBytes);
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = this.#pending.with(chunk);
    if (bytes !== undefined) this.#scan(bytes);
  }

  finish(): number {
    const rest = this.#pending.rest();
    if (rest !== undefined) this.#scan(rest);
    if (this.#expecting === "array") throw this.#error(expectation.array);
    if (this.#expecting !== "nothing") throw this.#error("the table ends in the middle: its closing ] is missing");
    return this.#place.row;
  }

  #scan(bytes: Uint8Array): void {
    this.#visitor.piece?.(this.#pending.done);
    let rest: number;
    try {
      rest = this.#rows(bytes);
    } catch (error) {
      if (error instanceof JsonSyntaxError) throw this.#error(error.message, error);
      throw error;
    }
    if (bytes.length - rest > this.#rowBytes) throw this.#tooLarge();
    this.#pending.keep(bytes, rest);
  }

  /** Walks whole rows; gives the position of the first byte that has to wait for more. */
  #rows(bytes: Uint8Array): number {
    const end = bytes.length;
    let p = this.#skipSpace(bytes, 0, end);
    while (p < end) {
      const byte = bytes[p]!;
      if (byte === 0x7b && (this.#expecting === "row" || this.#expecting === "row or end")) {
        const behind = scanRow(bytes, p, end, this.#fields);
        if (behind === incomplete) return p;
        this.#row(bytes, p, behind);
        p = behind;
      } else {
        this.#punctuation(byte);
        p++;
      }
      p = this.#skipSpace(bytes, p, end);
    }
    return p;
  }

  #row(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > this.#rowBytes) throw this.#tooLarge();
    this.#place.row++;
    this.#visitor.row(bytes, this.#fields, this.#place, start, end);
    this.#countLines(bytes, start, end);
    this.#expecting = "comma or end";
  }

  #punctuation(byte: number): void {
    if (byte === 0x5b && this.#expecting === "array") this.#expecting = "row or end";
    else if (byte === 0x2c && this.#expecting === "comma or end") this.#expecting = "row";
    else if (byte === 0x5d && (this.#expecting === "comma or end" || this.#expecting === "row or end"))
      this.#expecting = "nothing";
    else throw this.#error(expectation[this.#expecting]);
  }

  #skipSpace(bytes: Uint8Array, position: number, end: number): number {
    const p = skipSpace(bytes, position, end);
    for (let i = position; i < p; i++) if (bytes[i] === 0x0a) this.#place.line++;
    return p;
  }

  #countLines(bytes: Uint8Array, start: number, end: number): void {
    for (let p = bytes.indexOf(0x0a, start); p !== -1 && p < end; p = bytes.indexOf(0x0a, p + 1)) this.#place.line++;
  }

  #where(): { entry: string; row: number; line: number } {
    return { entry: this.#entry, row: this.#place.row + 1, line: this.#place.line };
  }

  #error(found: string, cause?: unknown): BackupError {
    const { entry, row, line } = this.#where();
    return new BackupError("SCHEMA_ROW", `${entry}, line ${line} (row ${row}): ${found}`, { entry, row, line }, { cause });
  }

  #tooLarge(): BackupError {
    const { entry, row, line } = this.#where();
    const message = `${entry}, line ${line}: row ${row} is larger than the limit of ${this.#rowBytes} bytes`;
    return new BackupError("LIMIT_ROW_BYTES", message, { entry, row, line });
  }
}

const expectation: Record<Expecting, string> = {
  array: "a table is a JSON array, but it does not begin with [",
  "row or end": "expected a row object or ]",
  row: "expected a row object behind the comma",
  "comma or end": "expected , or ] behind a row",
  nothing: "text follows behind the table's closing ]",
};
