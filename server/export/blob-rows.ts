import type { Sql } from "postgres";
import { quoteIdent } from "../database/session.ts";
import { keySql } from "../scope/blob-sql.ts";
import type { ResolvedTable } from "../scope/resolve-scope.ts";
import { rowsQuery } from "./table-query.ts";

/** What a row says of the stored object it owns. */
export interface BlobRow {
  id: string;
  key: string | null;
  name: string;
  size: number | null;
  sha256: string | null;
  contentType: string | null;
}

/** The objects of a table's rows, in the order of its rows. */
export async function* blobRows(sql: Sql, table: ResolvedTable): AsyncGenerator<BlobRow> {
  const blob = table.scope.blob!;
  const text = (column: string | undefined) => (column === undefined ? "null" : `${quoteIdent(column)}::text`);
  const query = `select ${text(blob.id)} as id, ${keySql(blob)}::text as key, ${text(blob.name)} as name, ${text(blob.size)} as size,
    ${text(blob.sha256)} as sha256, ${text(blob.contentType)} as content_type from (${rowsQuery(table)}) r`;
  for await (const rows of sql.unsafe(query).cursor(1000)) {
    for (const row of rows) {
      yield {
        id: row["id"],
        key: row["key"],
        name: row["name"] ?? row["id"],
        size: row["size"] === null ? null : Number(row["size"]),
        sha256: /^[0-9a-f]{64}$/.test(row["sha256"] ?? "") ? row["sha256"] : null,
        contentType: row["content_type"],
      };
    }
  }
}
