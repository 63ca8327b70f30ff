import { quoteIdent, quoteTable } from "../database/session.ts";
import type { ResolvedTable } from "../scope/resolve-scope.ts";

/** SELECT of a table's allowlisted rows: included columns, rewrites and row filter applied, by primary key. */
export function rowsQuery(table: ResolvedTable): string {
  const { rewrite = {}, where } = table.scope;
  const columns = table.columns.map(({ name }) => {
    const expression = rewrite[name];
    return expression === undefined ? quoteIdent(name) : `(${expression}) as ${quoteIdent(name)}`;
  });
  // Sorted by the table's own columns: a rewritten key must not change the order.
  const key = table.catalog.primaryKey.map((name) => `${quoteTable(table.catalog)}.${quoteIdent(name)}`);
  const filter = where === undefined ? "" : ` where (${where})`;
  return `select ${columns.join(", ")} from ${quoteTable(table.catalog)}${filter} order by ${key.join(", ")}`;
}

/**
 * COPY of the rows as JSON text. In CSV with a quote and a delimiter that JSON text cannot hold, a row comes out as it is:
 * COPY's text format would double every backslash. Only a raw line break inside a `json` value makes a row quoted.
 */
export function copyQuery(table: ResolvedTable): string {
  return `copy (select row_to_json(r) from (${rowsQuery(table)}) r) to stdout (format csv, quote e'\\x01', delimiter e'\\x02', encoding 'UTF8')`;
}
