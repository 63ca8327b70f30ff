import type { Writable } from "node:stream";
import { tablePath } from "../../engine/bundle/layout.ts";
import type { RowPlace, TableVisitor } from "../../engine/bundle/read-table.ts";
import { BackupError } from "../../engine/errors.ts";
import { ColumnLookup, type RowFields, textOf } from "../../engine/json/row.ts";
import { JsonSyntaxError } from "../../engine/json/scanner.ts";
import { bytesPassed } from "../external-memory.ts";
import { withoutKeys } from "../scope/without-keys.ts";
import { CopyText } from "./copy-text.ts";
import type { KeyWriter } from "./kept/key-writer.ts";
import { KeyOrder } from "./key-order.ts";
import type { StageColumn, StageTable } from "./stage-table.ts";
import type { NamedUser, UserIds } from "./users/user-ids.ts";

export interface TranscodeOptions {
  signal?: AbortSignal;
  /** Rows of the table that are through so far. */
  onRows?: (rows: number) => void;
  /** Collects whom rows name, and maps those columns that are carried. */
  users: UserIds;
  /** Gets the key of every row, for a plan whose rows can be asked for. */
  keys?: KeyWriter;
}

/** Writes what COPY takes for one row. */
export interface RowWriter {
  /** `found` says where the value of each of the table's carried columns is among the row's fields, or -1. */
  write(text: CopyText, bytes: Uint8Array, fields: RowFields, found: Int32Array, place: RowPlace): void;
}

/** Flushed to PostgreSQL in pieces of about this size. */
const flushBytes = 256 * 1024;

/**
 * A visitor of a table's rows that sends them through a COPY: JSON bytes become COPY text and nothing in between.
 */
export class Transcoder implements TableVisitor {
  readonly #table: StageTable;
  readonly #writable: Writable;
  readonly #options: TranscodeOptions;
  readonly #writer: RowWriter;
  #rows = 0;
  readonly #text = new CopyText(2 * flushBytes);
  readonly #lookup: ColumnLookup;
  readonly #dropped = new Set<string>();
  /** Where each column's value is in the current row: index into its fields, or -1. */
  readonly #found: Int32Array;
  /** Places of the columns that name users and are not carried among those. */
  readonly #otherUsers: number[];
  /** Places of the primary key's columns among those. */
  readonly #key: number[];
  readonly #order: KeyOrder;
  /** A turn of the event loop after the last piece was taken: PostgreSQL's answer to it must get a chance to be read. */
  #sent: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(table: StageTable, writable: Writable, writer: RowWriter, options: TranscodeOptions) {
    this.#options = options;
    this.#writer = writer;
    this.#table = table;
    this.#writable = writable;
    // Columns that belong to the installation are known, so that they are not taken for dropped ones.
    const users = [...table.importer, ...table.unassigned, ...table.requiredUsers];
    const carried = table.carried.map((column) => column.name);
    const names = [...carried, ...users.filter((name) => !carried.includes(name))];
    this.#otherUsers = users.map((name) => names.indexOf(name)).filter((place) => place >= carried.length);
    this.#lookup = new ColumnLookup(names);
    this.#found = new Int32Array(names.length);
    this.#key = table.catalog.primaryKey.map((name) => names.indexOf(name));
    this.#order = new KeyOrder(this.#key.map((place) => table.columns.find(({ name }) => name === names[place])!));
    writable.on("error", (error) => {
      this.#failure = error;
    });
  }

  row(bytes: Uint8Array, fields: RowFields, place: RowPlace): void {
    this.#rows = place.row;
    this.#found.fill(-1);
    for (let i = 0; i < fields.count; i++) {
      const column = this.#lookup.find(bytes, fields.keyStart[i]!, fields.keyEnd[i]!, i);
      if (column === -1) this.#drop(textOf(bytes, fields.keyStart[i]!, fields.keyEnd[i]!));
      else this.#found[column] = i;
    }
    if (this.#order.ascending) this.#order.next(bytes, fields, this.#key, this.#found);
    this.#options.keys?.add(bytes, fields, this.#key, this.#found);
    for (const column of this.#otherUsers) userOf(this.#options.users, bytes, fields, this.#found[column]!);
    try {
      this.#writer.write(this.#text, bytes, fields, this.#found, place);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      throw rowError(this.#table, place.row, error.message, place.line);
    }
  }

  #drop(name: string): void {
    if (this.#dropped.size < 1664) this.#dropped.add(name);
  }

  async pause(): Promise<void> {
    if (this.#text.length < flushBytes) return;
    await this.#options.keys?.flush();
    // One piece is under way while the next is made.
    await this.#sent;
    this.#options.onRows?.(this.#rows);
    if (this.#failure !== undefined) throw this.#failure;
    const piece = this.#text.take();
    bytesPassed(2 * piece.length);
    this.#sent = new Promise((resolve) => this.#writable.write(piece, () => setImmediate(resolve)));
  }

  async finish(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#writable.end(this.#text.take());
    await new Promise<void>((resolve, reject) => {
      this.#writable.once("finish", resolve);
      this.#writable.once("error", reject);
      this.#writable.once("close", () => reject(this.#failure ?? new Error("the connection was closed")));
    });
  }

  /** Columns of the bundle that the scope does not let in. */
  get dropped(): string[] {
    return [...this.#dropped];
  }

  /** Every row's key was greater than the one before. */
  get ascending(): boolean {
    return this.#order.ascending;
  }
}

/** Writes the value of a carried column; a document loses on the way in what an export would not let out. */
export class ValueWriter {
  /** Documents that lost something, by column. */
  readonly stripped = new Map<string, number>();

  write(text: CopyText, bytes: Uint8Array, start: number, end: number, column: StageColumn): void {
    const kept = column.withoutKeys === undefined ? null : withoutKeys(bytes, start, end, column.withoutKeys);
    if (kept === null) text.value(bytes, start, end, column.form);
    else {
      this.stripped.set(column.name, (this.stripped.get(column.name) ?? 0) + 1);
      text.value(kept, 0, kept.length, column.form);
    }
  }
}

/** The user whom a row's field names; `null` where it names none. */
export function userOf(users: UserIds, bytes: Uint8Array, fields: RowFields, field: number): NamedUser | null {
  // n begins null.
  if (field === -1 || bytes[fields.valueStart[field]!] === 0x6e) return null;
  return users.find(bytes, fields.valueStart[field]!, fields.valueEnd[field]!);
}

/** `SCHEMA_ROW` with the place. */
export function rowError(table: StageTable, row: number, found: string, line?: number): BackupError {
  const entry = tablePath(table.key);
  const details = { entry, table: table.key, row, ...(line === undefined ? {} : { line }) };
  return new BackupError("SCHEMA_ROW", `${entry}, row ${row}: ${found}`, details);
}
