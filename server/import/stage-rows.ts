import type { Writable } from "node:stream";
import type { Sql } from "postgres";
import { tablePath } from "../../engine/bundle/layout.ts";
import type { RowPlace, TableVisitor } from "../../engine/bundle/read-table.ts";
import { BackupError } from "../../engine/errors.ts";
import { ColumnLookup, type RowFields, textOf } from "../../engine/json/row.ts";
import { JsonSyntaxError } from "../../engine/json/scanner.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { databaseError } from "../database/connect.ts";
import { openCopyIn } from "../database/copy-in.ts";
import { bytesPassed } from "../external-memory.ts";
import { CopyText } from "./copy-text.ts";
import type { KeyWriter } from "./kept/key-writer.ts";
import { KeyOrder } from "./key-order.ts";
import { copyStageSql, createStageSql, type StageTable } from "./stage-table.ts";
import type { NamedUser, UserIds } from "./users/user-ids.ts";

export interface StagedRows {
  rows: number;
  /** Columns of the bundle that the scope does not let in. */
  dropped: string[];
  /** Columns that no row has: they keep the target's defaults. */
  absent: Set<string>;
  /** Columns that only some rows lack. */
  ragged: Set<string>;
  /** Every row's key is greater than the one before: none is there twice. */
  ascending: boolean;
}

export interface StageOptions {
  signal?: AbortSignal;
  /** Rows of the table that are through so far. */
  onRows?: (rows: number) => void;
  /** Collects whom rows name, and maps those columns that are carried. */
  users: UserIds;
  /** Gets the key of every row, for a plan whose rows can be asked for. */
  keys?: KeyWriter;
}

/** Flushed to PostgreSQL in pieces of about this size. */
const flushBytes = 256 * 1024;

/**
 * Carries a table's rows from the bundle into its staging table: JSON bytes become COPY text and nothing in between.
 * @throws BackupError `SCHEMA_ROW` with the row where PostgreSQL cannot read a value as its column's type.
 */
export async function stageRows(sql: Sql, bundle: Bundle, table: StageTable, options: StageOptions): Promise<StagedRows> {
  await sql.unsafe(createStageSql(table));
  const writable = await openCopyIn(sql, copyStageSql(table));
  const transcoder = new Transcoder(table, writable, options);
  try {
    const rows = await bundle.readRows(table.key, transcoder, options.signal);
    await transcoder.finish();
    await sql.unsafe(`analyze ${table.original}`);
    return transcoder.result(rows);
  } catch (cause) {
    writable.destroy();
    throw stagingError(cause, table);
  }
}

class Transcoder implements TableVisitor {
  readonly #table: StageTable;
  readonly #writable: Writable;
  readonly #options: StageOptions;
  #rows = 0;
  readonly #text = new CopyText(2 * flushBytes);
  readonly #lookup: ColumnLookup;
  readonly #dropped = new Set<string>();
  /** Where each column's value is in the current row: index into its fields, or -1. */
  readonly #found: Int32Array;
  readonly #present: Float64Array;
  /** Places of the columns that name users among those. */
  readonly #userColumns: number[];
  readonly #isUser: boolean[];
  /** Places of the primary key's columns among those. */
  readonly #key: number[];
  readonly #order: KeyOrder;
  /** A turn of the event loop after the last piece was taken: PostgreSQL's answer to it must get a chance to be read. */
  #sent: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(table: StageTable, writable: Writable, options: StageOptions) {
    this.#options = options;
    this.#table = table;
    this.#writable = writable;
    // Columns that belong to the installation are known, so that they are not taken for dropped ones.
    const users = [...table.importer, ...table.unassigned, ...table.requiredUsers];
    const carried = table.carried.map((column) => column.name);
    const names = [...carried, ...users.filter((name) => !carried.includes(name))];
    this.#userColumns = users.map((name) => names.indexOf(name));
    this.#isUser = carried.map((name) => users.includes(name));
    this.#lookup = new ColumnLookup(names);
    this.#found = new Int32Array(names.length);
    this.#key = table.catalog.primaryKey.map((name) => names.indexOf(name));
    this.#order = new KeyOrder(this.#key.map((place) => table.columns.find(({ name }) => name === names[place])!));
    this.#present = new Float64Array(table.carried.length);
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
    for (const column of this.#userColumns) if (column >= this.#present.length) this.#userOf(bytes, fields, column);
    try {
      this.#write(bytes, fields, place);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      throw rowError(this.#table, place.row, error.message, place.line);
    }
  }

  #drop(name: string): void {
    if (this.#dropped.size < 1664) this.#dropped.add(name);
  }

  #write(bytes: Uint8Array, fields: RowFields, place: RowPlace): void {
    const text = this.#text;
    text.ascii(String(place.row));
    text.separator();
    this.#writeAbsent();
    const { carried } = this.#table;
    for (let column = 0; column < carried.length; column++) {
      text.separator();
      const i = this.#found[column]!;
      if (i === -1) text.null();
      else {
        this.#present[column]!++;
        if (this.#isUser[column]) this.#writeUser(bytes, fields, column);
        else text.value(bytes, fields.valueStart[i]!, fields.valueEnd[i]!, carried[column]!.form);
      }
    }
    text.endRow();
  }

  #userOf(bytes: Uint8Array, fields: RowFields, column: number): NamedUser | null {
    const i = this.#found[column]!;
    const start = fields.valueStart[i]!;
    // n begins null.
    if (i === -1 || bytes[start] === 0x6e) return null;
    return this.#options.users.find(bytes, start, fields.valueEnd[i]!);
  }

  #writeUser(bytes: Uint8Array, fields: RowFields, column: number): void {
    const target = this.#userOf(bytes, fields, column)?.target ?? null;
    if (target === null) this.#text.null();
    else this.#text.value(target, 0, target.length, "scalar");
  }

  #writeAbsent(): void {
    const absent: number[] = [];
    for (let column = 0; column < this.#present.length; column++) if (this.#found[column] === -1) absent.push(column);
    if (absent.length === 0) this.#text.null();
    else this.#text.ascii(`{${absent.join(",")}}`);
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

  result(rows: number): StagedRows {
    const columns = this.#table.carried.map((column, i) => ({ name: column.name, present: this.#present[i]! }));
    const absent = columns.filter((column) => rows > 0 && column.present === 0).map((column) => column.name);
    const ragged = columns.filter((column) => column.present > 0 && column.present < rows).map((column) => column.name);
    return {
      rows,
      dropped: [...this.#dropped],
      absent: new Set(absent),
      ragged: new Set(ragged),
      ascending: this.#order.ascending,
    };
  }
}

function rowError(table: StageTable, row: number, found: string, line?: number): BackupError {
  const entry = tablePath(table.key);
  const details = { entry, table: table.key, row, ...(line === undefined ? {} : { line }) };
  return new BackupError("SCHEMA_ROW", `${entry}, row ${row}: ${found}`, details);
}

/** PostgreSQL says where in the COPY a value did not fit: `COPY stage_3, line 5, column size: "x"`. */
function stagingError(cause: unknown, table: StageTable): unknown {
  if (cause instanceof BackupError) return cause;
  const { code, message, where } = cause as { code?: string; message?: string; where?: string };
  const place = /^COPY \S+, line (\d+)(?:, column ([^:]+))?/.exec(where ?? "");
  const dataError = code?.startsWith("22") === true || code?.startsWith("23") === true;
  if (place === null || !dataError) return databaseError(cause, `table ${table.key}`);
  const column = place[2] === undefined ? "" : `column ${place[2]}: `;
  return rowError(table, Number(place[1]), `${column}${message}`);
}
