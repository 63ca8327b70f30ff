import { maxIssues } from "../../bundle/findings.ts";
import { readTables, type TablesVisitor } from "../../bundle/read-tables.ts";
import { utf8 } from "../../bytes.ts";
import type { CheckedIssue } from "../../checks.ts";
import { ColumnLookup, type RowFields, textOf } from "../../json/row.ts";
import { dbPath, tables } from "./format.ts";
import { hash32, mostIds, SeenTexts } from "./seen.ts";

interface CheckDbOptions {
  /** Of each table, by the index. */
  rows: Readonly<Record<string, number>>;
  rowBytes: number;
  /** Ids remembered at once. */
  idsAtOnce?: number;
}

/**
 * Holds the rows of db.json against each other: ids that are there twice, references to what is not there, values that a column forbids. Goes
 * through it twice, and twice again for every further `idsAtOnce` ids. At most 1,000 issues.
 */
export async function checkDb(open: () => AsyncIterable<Uint8Array>, options: CheckDbOptions): Promise<CheckedIssue[]> {
  const { rows, rowBytes, idsAtOnce = mostIds } = options;
  const ids = Object.entries(tables).reduce((sum, [name, { unique }]) => sum + (rows[name] ?? 0) * unique.length, 0);
  const parts = Math.max(1, Math.ceil(ids / idsAtOnce));
  const issues: CheckedIssue[] = [];
  for (let part = 0; part < parts; part++) {
    const check = new PartCheck(part, parts, rows, issues);
    await readTables(open(), dbPath, check.keys(), rowBytes);
    await readTables(open(), dbPath, check.references(), rowBytes);
  }
  return issues;
}

/** One column of the current row, as far as it is a text or stands for one. */
interface Value {
  bytes: Uint8Array;
  start: number;
  end: number;
}

type RowCheck = (row: CurrentRow) => void;

/** Looks at the ids whose hash falls into one part of several. */
class PartCheck {
  readonly #part: number;
  readonly #parts: number;
  readonly #rows: Readonly<Record<string, number>>;
  readonly #issues: CheckedIssue[];
  readonly #seeds = crypto.getRandomValues(new Uint32Array(1));
  readonly #seen = new Map<string, SeenTexts>();

  constructor(part: number, parts: number, rows: Readonly<Record<string, number>>, issues: CheckedIssue[]) {
    this.#part = part;
    this.#parts = parts;
    this.#rows = rows;
    this.#issues = issues;
  }

  keys(): TablesVisitor {
    return rowsOf((row) => {
      const { unique } = tables[row.table]!;
      if (this.#part === 0) this.#values(row);
      for (const column of unique) this.#key(row, column);
    });
  }

  references(): TablesVisitor {
    return rowsOf((row) => {
      const { references } = tables[row.table]!;
      for (const [column, parent] of Object.entries(references)) this.#reference(row, column, parent);
    });
  }

  #values(row: CurrentRow): void {
    const { required, unique } = tables[row.table]!;
    for (const column of required) {
      const value = row.value(column);
      if (value === null) this.#add(row, column, `${column} is null, which it may not be`);
      else if (unique.includes(column) && (value === undefined || value.start === value.end))
        this.#add(row, column, `${column} is empty or missing`);
    }
    const nested = row.nested();
    if (nested !== undefined) this.#add(row, nested, `${nested} is an object or a list, and JSON stands in a text there`);
  }

  #key(row: CurrentRow, column: string): void {
    const value = row.value(column);
    if (!value || value.start === value.end || !this.#isMine(value)) return;
    if (!this.#setOf(row.table, column).add(value.bytes, value.start, value.end))
      this.#add(row, column, `${column} ${shown(value)} is there twice`);
  }

  #reference(row: CurrentRow, column: string, parent: string): void {
    const value = row.value(column);
    if (value === null && !tables[row.table]!.required.includes(column)) return;
    const missing = value === undefined && this.#part === 0 && tables[row.table]!.required.includes(column);
    if (missing) this.#add(row, column, `${column} is missing`);
    if (!value || !this.#isMine(value)) return;
    // What stands for no folder in older versions.
    if (value.start === value.end && !tables[row.table]!.required.includes(column)) return;
    if (!this.#setOf(parent, "id").has(value.bytes, value.start, value.end))
      this.#add(row, column, `${column} names ${shown(value)}, and the table ${parent} has no such row`);
  }

  #isMine({ bytes, start, end }: Value): boolean {
    return this.#parts === 1 || hash32(bytes, start, end, 1) % this.#parts === this.#part;
  }

  #setOf(table: string, column: string): SeenTexts {
    const name = `${table}.${column}`;
    let set = this.#seen.get(name);
    if (set === undefined) {
      set = new SeenTexts(this.#seeds[0]!, (this.#rows[table] ?? 0) / this.#parts);
      this.#seen.set(name, set);
    }
    return set;
  }

  #add({ table, number }: CurrentRow, column: string, found: string): void {
    if (this.#issues.length >= maxIssues) return;
    const message = `${dbPath}, table ${table}, row ${number}: ${found}`;
    const details = { entry: dbPath, table, row: number, column };
    this.#issues.push({ check: "rows", severity: "error", code: "SCHEMA_ROW", message, details });
  }
}

function shown({ bytes, start, end }: Value): string {
  return new TextDecoder().decode(bytes.subarray(start, Math.min(end, start + 100)));
}

/** Visits the rows of the tables whose format is known. */
function rowsOf(check: RowCheck): TablesVisitor {
  let row: CurrentRow | undefined;
  return {
    table(name) {
      row = Object.hasOwn(tables, name) ? new CurrentRow(name) : undefined;
    },
    row(bytes, fields, number) {
      if (row === undefined) return;
      row.take(bytes, fields, number);
      check(row);
    },
    end() {},
    other() {},
  };
}

class CurrentRow {
  readonly table: string;
  number = 0;
  readonly #names: string[];
  readonly #lookup: ColumnLookup;
  readonly #found: Int32Array;
  #bytes!: Uint8Array;
  #fields!: RowFields;

  constructor(table: string) {
    this.table = table;
    const { unique, required, references } = tables[table]!;
    this.#names = [...new Set([...unique, ...required, ...Object.keys(references)])];
    this.#lookup = new ColumnLookup(this.#names);
    this.#found = new Int32Array(this.#names.length);
  }

  take(bytes: Uint8Array, fields: RowFields, number: number): void {
    [this.#bytes, this.#fields, this.number] = [bytes, fields, number];
    this.#found.fill(-1);
    for (let i = 0; i < fields.count; i++) {
      const column = this.#lookup.find(bytes, fields.keyStart[i]!, fields.keyEnd[i]!, i);
      if (column !== -1) this.#found[column] = i;
    }
  }

  /** `undefined` where the row lacks the column. */
  value(column: string): Value | null | undefined {
    const i = this.#found[this.#names.indexOf(column)]!;
    if (i === -1) return undefined;
    const [bytes, start, end] = [this.#bytes, this.#fields.valueStart[i]!, this.#fields.valueEnd[i]!];
    if (bytes[start] === 0x6e) return null;
    if (bytes[start] !== 0x22) return { bytes, start, end };
    if (bytes.subarray(start, end).includes(0x5c)) {
      const text = utf8(textOf(bytes, start, end));
      return { bytes: text, start: 0, end: text.length };
    }
    return { bytes, start: start + 1, end: end - 1 };
  }

  /** The first column that holds an object or an array. */
  nested(): string | undefined {
    const { count, keyStart, keyEnd, valueStart } = this.#fields;
    for (let i = 0; i < count; i++) {
      const first = this.#bytes[valueStart[i]!];
      if (first === 0x7b || first === 0x5b) return textOf(this.#bytes, keyStart[i]!, keyEnd[i]!);
    }
    return undefined;
  }
}
