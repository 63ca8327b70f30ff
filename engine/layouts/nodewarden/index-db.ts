import { readTables, type TablesVisitor } from "../../bundle/read-tables.ts";
import { BackupError } from "../../errors.ts";
import { ColumnLookup, type RowFields, textOf } from "../../json/row.ts";
import { attachmentsTable, dbPath, tables } from "./format.ts";

/** Where a table lies in db.json, and what it holds. */
export interface IndexedTable {
  name: string;
  /** From its `[` to behind its `]`, in bytes of db.json. */
  start: number;
  end: number;
  rows: number;
  /** Every column that some row has, in the order of their first appearance. */
  columns: string[];
}

/** What an attachment's row says; texts of another JSON type are `undefined`. */
export interface AttachmentRow {
  id: string | undefined;
  cipherId: string | undefined;
  size: number | undefined;
}

export interface IndexedDb {
  tables: IndexedTable[];
  attachments: AttachmentRow[];
}

/** PostgreSQL's own bound; a row that keeps inventing columns must not fill the memory. */
const maxColumns = 1664;

/**
 * Goes through db.json once. Holds where tables lie and what attachments there are, and no rows.
 * @throws BackupError `SCHEMA_TABLE` where a table that has to be there is missing or no array, or as `readTables`.
 */
export async function indexDb(chunks: AsyncIterable<Uint8Array>, rowBytes: number): Promise<IndexedDb> {
  const indexer = new Indexer();
  await readTables(chunks, dbPath, indexer, rowBytes);
  indexer.assertComplete();
  return { tables: indexer.tables, attachments: indexer.attachments };
}

class Indexer implements TablesVisitor {
  readonly tables: IndexedTable[] = [];
  readonly attachments: AttachmentRow[] = [];
  readonly #others = new Set<string>();
  #table!: IndexedTable;
  #lookup = new ColumnLookup([]);

  table(name: string, offset: number): void {
    this.#table = { name, start: offset, end: offset, rows: 0, columns: [] };
    this.#lookup = new ColumnLookup([]);
    this.tables.push(this.#table);
  }

  row(bytes: Uint8Array, fields: RowFields, row: number): void {
    this.#table.rows = row;
    for (let i = 0; i < fields.count; i++) {
      if (this.#lookup.find(bytes, fields.keyStart[i]!, fields.keyEnd[i]!, i) === -1)
        this.#add(textOf(bytes, fields.keyStart[i]!, fields.keyEnd[i]!));
    }
    if (this.#table.name === attachmentsTable) this.attachments.push(attachmentRow(bytes, fields));
  }

  end(offset: number): void {
    this.#table.end = offset;
  }

  other(name: string, isNull: boolean): void {
    if (!isNull || tables[name]?.optional !== true) this.#others.add(name);
  }

  #add(name: string): void {
    const { columns } = this.#table;
    if (columns.length > maxColumns) throw schemaTable(this.#table.name, `has more than ${maxColumns} different columns`);
    this.#lookup.add(name, columns.length);
    columns.push(name);
  }

  assertComplete(): void {
    const found = new Set(this.tables.map(({ name }) => name));
    for (const [name, { optional }] of Object.entries(tables)) {
      if (this.#others.has(name)) throw schemaTable(name, "is no array of rows");
      if (!found.has(name) && optional !== true) throw schemaTable(name, "is missing");
    }
  }
}

function schemaTable(table: string, found: string): BackupError {
  return new BackupError("SCHEMA_TABLE", `${dbPath}: the table ${table} ${found}`, { entry: dbPath, table });
}

function attachmentRow(bytes: Uint8Array, fields: RowFields): AttachmentRow {
  const row: AttachmentRow = { id: undefined, cipherId: undefined, size: undefined };
  for (let i = 0; i < fields.count; i++) {
    const name = textOf(bytes, fields.keyStart[i]!, fields.keyEnd[i]!);
    if (name !== "id" && name !== "cipher_id" && name !== "size") continue;
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(fields.valueStart[i]!, fields.valueEnd[i]!)));
    if (name === "size" && typeof value === "number") row.size = value;
    if (name === "id" && typeof value === "string") row.id = value;
    if (name === "cipher_id" && typeof value === "string") row.cipherId = value;
  }
  return row;
}
