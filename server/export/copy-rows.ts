import type { Sql } from "postgres";
import { TableText } from "../../engine/bundle/table-text.ts";
import { databaseError } from "../database/connect.ts";
import { copyOut, type RowSink } from "../database/copy-out.ts";
import type { ResolvedTable } from "../scope/resolve-scope.ts";
import { RowJson } from "./row-json.ts";
import { copyQuery } from "./table-query.ts";

export interface TableRows {
  /** Canonical table text. */
  body: AsyncIterable<Uint8Array>;
  rows(): number;
}

/** Streams a table out of PostgreSQL: rows are bytes from its socket on and never become JavaScript values. */
export function copyRows(sql: Sql, table: ResolvedTable): TableRows {
  const text = new TableText();
  return { body: streamRows(sql, table, text), rows: () => text.rows };
}

async function* streamRows(sql: Sql, table: ResolvedTable, text: TableText): AsyncGenerator<Uint8Array> {
  const { statement, columns } = copyQuery(table);
  try {
    for await (const _ of copyOut(sql, statement, rowsInto(text, new RowJson(columns)))) yield* text.blocks();
    text.end();
    yield* text.blocks();
  } catch (cause) {
    throw databaseError(cause, `table ${table.key}`);
  }
}

function rowsInto(text: TableText, rows: RowJson): RowSink {
  return {
    row: (bytes) => text.add(rows.object(bytes)),
    get full() {
      return text.full;
    },
  };
}
