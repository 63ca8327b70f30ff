import { quoteIdent, quoteTable } from "../database/session.ts";
import type { ResolvedTable } from "../scope/resolve-scope.ts";
import { exactValue, isExact } from "./value-sql.ts";

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
  // A table's heirs are tables of their own, and in the scope as such; partitions are not.
  const only = table.catalog.partitioned ? "" : "only ";
  return `select ${columns.join(", ")} from ${only}${quoteTable(table.catalog)}${filter} order by ${key.join(", ")}`;
}

/** The same, with every value as `row_to_json` can say it. The inner query computes each rewrite once. */
function exactRowsQuery(table: ResolvedTable): string {
  if (table.columns.every(isExact)) return rowsQuery(table);
  const columns = table.columns.map((column) => {
    const name = quoteIdent(column.name);
    return `${exactValue(column, `v.${name}`)} as ${name}`;
  });
  return `select ${columns.join(", ")} from (${rowsQuery(table)}) v`;
}

/**
 * COPY of the rows as JSON text. In CSV with a quote and a delimiter that JSON text cannot hold, a row comes out as it is:
 * COPY's text format would double every backslash. `r.*`, because a column may be named r.
 */
export function copyQuery(table: ResolvedTable): string {
  return `copy (select row_to_json(r.*) from (${exactRowsQuery(table)}) r) to stdout (format csv, quote e'\\x01', delimiter e'\\x02', encoding 'UTF8')`;
}
