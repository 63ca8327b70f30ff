import { BackupError } from "../errors.ts";
import { keyEnd, RowFields, scanRow, textOf } from "../json/row.ts";
import { incomplete, JsonSyntaxError, skipKey, skipSpace, skipValue } from "../json/scanner.ts";
import { PendingBytes } from "./pending-bytes.ts";

/** Offsets are bytes of the document. */
export interface TablesVisitor {
  /** A table opens with its `[` at `offset`. */
  table(name: string, offset: number): void;
  /** `bytes` and `fields` are only valid during the call; `row` is 1-based. */
  row(bytes: Uint8Array, fields: RowFields, row: number): void;
  /** The table's `]` lies before `offset`. */
  end(offset: number): void;
  /** A value that is no array stands under a name. */
  other(name: string, isNull: boolean): void;
}

/**
 * Reads a document that is one object of row arrays, by table name, as it arrives: rows of any number in the memory of one.
 * @throws BackupError `SCHEMA_TABLE` where a table is there twice, `SCHEMA_ROW` or `LIMIT_ROW_BYTES` with table and row.
 */
export async function readTables(
  chunks: AsyncIterable<Uint8Array>,
  entry: string,
  visitor: TablesVisitor,
  rowBytes: number,
): Promise<void> {
  const scanner = new TablesScanner(entry, visitor, rowBytes);
  for await (const chunk of chunks) scanner.push(chunk);
  scanner.finish();
}

type Expecting = "object" | "name or end" | "name" | "row or end" | "row" | "comma or end" | "next or end" | "nothing";

class TablesScanner {
  readonly #entry: string;
  readonly #visitor: TablesVisitor;
  readonly #rowBytes: number;
  readonly #fields = new RowFields();
  readonly #names = new Set<string>();
  #expecting: Expecting = "object";
  #table = "";
  #row = 0;
  readonly #pending: PendingBytes;

  constructor(entry: string, visitor: TablesVisitor, rowBytes: number) {
    this.#entry = entry;
    this.#visitor = visitor;
    this.#rowBytes = rowBytes;
    this.#pending = new PendingBytes(rowBytes);
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#pending.with(chunk);
    if (bytes !== undefined) this.#scan(bytes);
  }

  finish(): void {
    const rest = this.#pending.rest();
    if (rest !== undefined) this.#scan(rest);
    if (this.#expecting !== "nothing") throw this.#error(`the document ends too early: ${expectation[this.#expecting]}`);
  }

  #scan(bytes: Uint8Array): void {
    let rest: number;
    try {
      rest = this.#items(bytes);
    } catch (error) {
      if (error instanceof JsonSyntaxError) throw this.#error(error.message, error);
      throw error;
    }
    if (bytes.length - rest > this.#rowBytes) throw this.#tooLarge();
    this.#pending.keep(bytes, rest);
  }

  /** Goes through what is whole; gives the position of the first byte that has to wait for more. */
  #items(bytes: Uint8Array): number {
    let p = skipSpace(bytes, 0, bytes.length);
    while (p < bytes.length) {
      const behind = this.#item(bytes, p);
      if (behind === incomplete) return p;
      p = skipSpace(bytes, behind, bytes.length);
    }
    return p;
  }

  #item(bytes: Uint8Array, p: number): number {
    const byte = bytes[p]!;
    switch (this.#expecting) {
      case "row or end":
      case "row":
        if (byte === 0x7b) return this.#takeRow(bytes, p);
        if (byte === 0x5d && this.#expecting === "row or end") return this.#endTable(p);
        break;
      case "comma or end":
        if (byte === 0x5d) return this.#endTable(p);
        if (byte === 0x2c) return this.#then("row", p);
        break;
      case "name or end":
      case "name":
        if (byte === 0x22) return this.#name(bytes, p);
        if (byte === 0x7d && this.#expecting === "name or end") return this.#then("nothing", p);
        break;
      case "next or end":
        if (byte === 0x2c) return this.#then("name", p);
        if (byte === 0x7d) return this.#then("nothing", p);
        break;
      case "object":
        if (byte === 0x7b) return this.#then("name or end", p);
        break;
      case "nothing":
    }
    throw this.#error(expectation[this.#expecting]);
  }

  #then(expecting: Expecting, p: number): number {
    this.#expecting = expecting;
    return p + 1;
  }

  #takeRow(bytes: Uint8Array, p: number): number {
    const behind = scanRow(bytes, p, bytes.length, this.#fields);
    if (behind === incomplete) return incomplete;
    if (behind - p > this.#rowBytes) throw this.#tooLarge();
    this.#visitor.row(bytes, this.#fields, ++this.#row);
    this.#expecting = "comma or end";
    return behind;
  }

  #endTable(p: number): number {
    this.#visitor.end(this.#pending.done + p + 1);
    this.#table = "";
    return this.#then("next or end", p);
  }

  #name(bytes: Uint8Array, p: number): number {
    const value = skipKey(bytes, p, bytes.length);
    if (value === incomplete) return incomplete;
    const name = textOf(bytes, p, keyEnd(bytes, value));
    if (bytes[value] !== 0x5b) return this.#other(bytes, value, name);
    this.#isNew(name);
    [this.#table, this.#row] = [name, 0];
    this.#visitor.table(name, this.#pending.done + value);
    return this.#then("row or end", value);
  }

  #other(bytes: Uint8Array, value: number, name: string): number {
    const behind = skipValue(bytes, value, bytes.length);
    if (behind === incomplete) return incomplete;
    this.#isNew(name);
    this.#visitor.other(name, bytes[value] === 0x6e);
    this.#expecting = "next or end";
    return behind;
  }

  #isNew(name: string): void {
    if (this.#names.has(name)) {
      const message = `${this.#entry} has the table ${name} twice: programs differ in which one they take`;
      throw new BackupError("SCHEMA_TABLE", message, { entry: this.#entry, table: name });
    }
    this.#names.add(name);
  }

  #where(): string {
    return this.#table === "" ? this.#entry : `${this.#entry}, table ${this.#table}, row ${this.#row + 1}`;
  }

  #details() {
    return { entry: this.#entry, ...(this.#table === "" ? {} : { table: this.#table, row: this.#row + 1 }) };
  }

  #error(found: string, cause?: unknown): BackupError {
    const code = this.#table === "" ? "SCHEMA_TABLE" : "SCHEMA_ROW";
    return new BackupError(code, `${this.#where()}: ${found}`, this.#details(), { cause });
  }

  #tooLarge(): BackupError {
    const message = `${this.#where()}: a row is larger than the limit of ${this.#rowBytes} bytes`;
    return new BackupError("LIMIT_ROW_BYTES", message, this.#details());
  }
}

const expectation: Record<Expecting, string> = {
  object: "the document should be an object of tables, but it does not begin with {",
  "name or end": "expected the name of a table or }",
  name: "expected the name of a table behind the comma",
  "row or end": "expected a row object or ]",
  row: "expected a row object behind the comma",
  "comma or end": "expected , or ] behind a row",
  "next or end": "expected , or } behind a table",
  nothing: "text follows behind the document",
};
