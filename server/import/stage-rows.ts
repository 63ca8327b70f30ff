import type { Sql } from "postgres";
import type { RowPlace } from "../../engine/bundle/read-table.ts";
import { BackupError } from "../../engine/errors.ts";
import type { RowFields } from "../../engine/json/row.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { databaseError } from "../database/connect.ts";
import { openCopyIn } from "../database/copy-in.ts";
import type { CopyText } from "./copy-text.ts";
import { copyStageSql, createStageSql, type StageTable } from "./stage-table.ts";
import { type RowWriter, rowError, type TranscodeOptions, Transcoder, userOf, ValueWriter } from "./transcode-rows.ts";
import type { UserIds } from "./users/user-ids.ts";

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
  /** Documents that lost members whose keys the scope lets neither out nor in, by column. */
  stripped: ReadonlyMap<string, number>;
}

/**
 * Carries a table's rows from the bundle into its staging table.
 * @throws BackupError `SCHEMA_ROW` with the row where PostgreSQL cannot read a value as its column's type.
 */
export async function stageRows(sql: Sql, bundle: Bundle, table: StageTable, options: TranscodeOptions): Promise<StagedRows> {
  await sql.unsafe(createStageSql(table));
  const writable = await openCopyIn(sql, copyStageSql(table));
  const writer = new StagedRowWriter(table, options.users);
  const transcoder = new Transcoder(table, writable, writer, options);
  try {
    const rows = await bundle.readRows(table.key, transcoder, options.signal);
    await transcoder.finish();
    await sql.unsafe(`analyze ${table.original}`);
    return {
      rows,
      dropped: transcoder.dropped,
      ascending: transcoder.ascending,
      stripped: writer.stripped,
      ...writer.lacking(rows),
    };
  } catch (cause) {
    writable.destroy();
    throw stagingError(cause, table);
  }
}

/** A row's number and the columns that it lacks stand before its values. */
class StagedRowWriter implements RowWriter {
  readonly #table: StageTable;
  readonly #users: UserIds;
  readonly #isUser: boolean[];
  readonly #values = new ValueWriter();
  /** Rows that have each carried column. */
  readonly #present: Float64Array;

  constructor(table: StageTable, users: UserIds) {
    this.#table = table;
    this.#users = users;
    const named = [...table.importer, ...table.unassigned, ...table.requiredUsers];
    this.#isUser = table.carried.map(({ name }) => named.includes(name));
    this.#present = new Float64Array(table.carried.length);
  }

  write(text: CopyText, bytes: Uint8Array, fields: RowFields, found: Int32Array, place: RowPlace): void {
    text.ascii(String(place.row));
    text.separator();
    this.#writeAbsent(text, found);
    const { carried } = this.#table;
    for (let column = 0; column < carried.length; column++) {
      text.separator();
      const i = found[column]!;
      if (i === -1) text.null();
      else {
        this.#present[column]!++;
        if (this.#isUser[column]) this.#writeUser(text, bytes, fields, i);
        else this.#values.write(text, bytes, fields.valueStart[i]!, fields.valueEnd[i]!, carried[column]!);
      }
    }
    text.endRow();
  }

  #writeUser(text: CopyText, bytes: Uint8Array, fields: RowFields, field: number): void {
    const target = userOf(this.#users, bytes, fields, field)?.target ?? null;
    if (target === null) text.null();
    else text.value(target, 0, target.length, "scalar");
  }

  #writeAbsent(text: CopyText, found: Int32Array): void {
    const absent: number[] = [];
    for (let column = 0; column < this.#present.length; column++) if (found[column] === -1) absent.push(column);
    if (absent.length === 0) text.null();
    else text.ascii(`{${absent.join(",")}}`);
  }

  get stripped(): ReadonlyMap<string, number> {
    return this.#values.stripped;
  }

  lacking(rows: number): Pick<StagedRows, "absent" | "ragged"> {
    const columns = this.#table.carried.map((column, i) => ({ name: column.name, present: this.#present[i]! }));
    const absent = columns.filter((column) => rows > 0 && column.present === 0).map((column) => column.name);
    const ragged = columns.filter((column) => column.present > 0 && column.present < rows).map((column) => column.name);
    return { absent: new Set(absent), ragged: new Set(ragged) };
  }
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
