import type { Sql } from "postgres";
import type { RowFields } from "../../../engine/json/row.ts";
import type { Bundle } from "../../../engine/read-bundle.ts";
import { databaseError } from "../../database/connect.ts";
import { openCountedCopyIn } from "../../database/copy-in.ts";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import type { CopyText } from "../copy-text.ts";
import type { PlanInput } from "../plan-input.ts";
import type { StagedRows } from "../stage-rows.ts";
import type { StageColumn, StageTable } from "../stage-table.ts";
import { type RowWriter, type TranscodeOptions, Transcoder, ValueWriter } from "../transcode-rows.ts";
import { isRefusedRow, NotDirect } from "./not-direct.ts";

/**
 * Carries a table's rows from the bundle straight into the target's table, within the caller's transaction.
 * @throws NotDirect where PostgreSQL refuses a row, or a row has other columns than the manifest says.
 */
export async function copyTable(
  sql: Sql,
  bundle: Bundle,
  { table, importer }: Pick<PlanInput, "table" | "importer">,
  options: TranscodeOptions,
): Promise<StagedRows> {
  const columns = columnsOf(table, bundle);
  const { writable, count } = await openCountedCopyIn(sql, copySql(table, columns));
  const writer = new DirectRowWriter(table, columns, importer);
  const transcoder = new Transcoder(table, writable, writer, options);
  try {
    const rows = await bundle.readRows(table.key, transcoder, options.signal);
    await transcoder.finish();
    // A trigger of the application may have turned rows away.
    if ((await count) !== rows) throw new NotDirect(`${table.key}: ${await count} of ${rows} rows were taken`);
    const absent = table.carried.filter((column) => !columns.includes(column)).map(({ name }) => name);
    const { dropped, ascending } = transcoder;
    const { stripped } = writer.values;
    return { rows, dropped, ascending, stripped, absent: new Set(rows > 0 ? absent : []), ragged: new Set() };
  } catch (cause) {
    writable.destroy();
    if (isRefusedRow(cause) || isRowError(cause)) throw new NotDirect(String(cause), { cause });
    throw (cause as { code?: string }).code === undefined ? cause : databaseError(cause, `table ${table.key}`);
  }
}

/** A value of the bundle that cannot be stored at all. */
function isRowError(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "SCHEMA_ROW";
}

/** Columns that the bundle has; the others keep their defaults. */
function columnsOf(table: StageTable, { manifest }: Bundle): StageColumn[] {
  const listed = new Set(manifest.tables.find(({ name }) => name === table.key)!.columns);
  return table.carried.filter(({ name }) => listed.has(name));
}

function copySql(table: StageTable, columns: readonly StageColumn[]): string {
  const names = [...columns.map(({ name }) => name), ...table.importer].map(quoteIdent);
  return `copy ${quoteTable(table.catalog)} (${names.join(", ")}) from stdin`;
}

/** The values of the listed columns, all of which every row must have, and then the importer wherever the table asks for it. */
class DirectRowWriter implements RowWriter {
  readonly values = new ValueWriter();
  readonly #columns: readonly StageColumn[];
  /** Places of those columns among the carried ones, and of the others. */
  readonly #places: number[];
  readonly #others: number[];
  readonly #importers: number;
  readonly #importer: Uint8Array;

  constructor(table: StageTable, columns: readonly StageColumn[], importer: string) {
    this.#columns = columns;
    this.#places = columns.map((column) => table.carried.indexOf(column));
    this.#others = table.carried.flatMap((column, place) => (columns.includes(column) ? [] : [place]));
    this.#importers = table.importer.length;
    this.#importer = new TextEncoder().encode(JSON.stringify(importer));
  }

  write(text: CopyText, bytes: Uint8Array, fields: RowFields, found: Int32Array): void {
    for (const place of this.#others) if (found[place] !== -1) throw new NotDirect("a row has a column that is not listed");
    for (let k = 0; k < this.#places.length; k++) {
      if (k > 0) text.separator();
      const i = found[this.#places[k]!]!;
      if (i === -1) throw new NotDirect("a row lacks a column");
      this.values.write(text, bytes, fields.valueStart[i]!, fields.valueEnd[i]!, this.#columns[k]!);
    }
    for (let k = 0; k < this.#importers; k++) {
      if (k > 0 || this.#places.length > 0) text.separator();
      text.value(this.#importer, 0, this.#importer.length, "scalar");
    }
    text.endRow();
  }
}
