import { BackupError } from "../errors.ts";
import { RowFields, scanRow } from "../json/row.ts";
import { incomplete, JsonSyntaxError, skipSpace } from "../json/scanner.ts";
import type { RowPlace, TableVisitor } from "./read-table.ts";

/** There is a mark at the first row behind so many rows or bytes since the mark before. */
const rowsApart = 512;
const bytesApart = 256 * 1024;

/** Where a row begins in the uncompressed text of its table: to go on reading from there. */
export interface RowMark {
  /** 0-based. */
  row: number;
  offset: number;
}

/** The marks of a table as they cross from one Worker to another. */
export interface RowMarks {
  /** Rows of the table. */
  total: number;
  /** Of each mark, in order. */
  rows: Float64Array;
  offsets: Float64Array;
}

/** Marks of a table, far fewer than it has rows, so that any row is found by reading a little text from the mark before it. */
export class RowIndex {
  /** Rows of the table, once it was gone through. */
  rows = 0;
  readonly #rows: number[] = [];
  readonly #offsets: number[] = [];

  static of({ total, rows, offsets }: RowMarks): RowIndex {
    const index = new RowIndex();
    for (const [i, row] of rows.entries()) {
      index.#rows.push(row);
      index.#offsets.push(offsets[i]!);
    }
    index.rows = total;
    return index;
  }

  get marks(): RowMarks {
    return { total: this.rows, rows: Float64Array.from(this.#rows), offsets: Float64Array.from(this.#offsets) };
  }

  /** Every row in order. */
  add(row: number, offset: number): void {
    this.rows = row + 1;
    const last = this.#rows.length - 1;
    if (last >= 0 && row - this.#rows[last]! < rowsApart && offset - this.#offsets[last]! < bytesApart) return;
    this.#rows.push(row);
    this.#offsets.push(offset);
  }

  /** Number of the last mark at or before a row. */
  find(row: number): number {
    return lastUpTo(this.#rows, row);
  }

  /** Of the marks in a part of the text. */
  offsetsBetween(start: number, end: number): number[] {
    const found = this.#offsets.slice(lastUpTo(this.#offsets, start), lastUpTo(this.#offsets, end) + 1);
    return found.filter((offset) => offset >= start && offset < end);
  }

  mark(number: number): RowMark | undefined {
    const row = this.#rows[number];
    return row === undefined ? undefined : { row, offset: this.#offsets[number]! };
  }
}

/** Where in a sorted list the last number is that is no larger than `most`, or 0. */
function lastUpTo(sorted: readonly number[], most: number): number {
  let low = 0;
  for (let high = sorted.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle]! <= most) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A visitor of `readTable` that fills an index. */
export class RowIndexer implements TableVisitor {
  readonly index = new RowIndex();
  #base = 0;

  piece(offset: number): void {
    this.#base = offset;
  }

  row(_bytes: Uint8Array, _fields: RowFields, { row }: RowPlace, start: number): void {
    this.index.add(row - 1, this.#base + start);
  }
}

const fields = new RowFields();

/**
 * Rows in a piece of a table's text that begins with a row: what lies between rows is white space and commas. Calls `visit` with every whole row
 * until it wants no more; returns false where the text ended before that.
 * @throws BackupError `SCHEMA_ROW`
 */
export function walkRows(text: Uint8Array, visit: (row: Uint8Array) => boolean, where: { entry: string; row: number }): boolean {
  let { row } = where;
  try {
    for (let p = skipBetween(text, 0); p < text.length; p = skipBetween(text, p)) {
      if (text[p] === 0x5d) return true;
      const end = scanRow(text, p, text.length, fields);
      if (end === incomplete) return false;
      row++;
      if (!visit(text.subarray(p, end))) return true;
      p = end;
    }
    return false;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const message = `${where.entry} (row ${row + 1}): ${error.message}`;
    throw new BackupError("SCHEMA_ROW", message, { entry: where.entry, row: row + 1 }, { cause: error });
  }
}

function skipBetween(text: Uint8Array, position: number): number {
  let p = skipSpace(text, position, text.length);
  while (text[p] === 0x2c) p = skipSpace(text, p + 1, text.length);
  return p;
}
