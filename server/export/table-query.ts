import { quoteIdent, quoteTable } from "../database/session.ts";
import type { ResolvedTable } from "../scope/resolve-scope.ts";
import { type TextForm, textForm } from "./row-json.ts";

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

/** COPY of the rows in its text format, each column as `RowJson` takes it: most as they are, all others as PostgreSQL's own JSON. */
export function copyQuery(table: ResolvedTable): { statement: string; columns: { name: string; form: TextForm }[] } {
  const rewritten = table.scope.rewrite ?? {};
  const columns = table.columns.map((column) => {
    // What an expression gives may be of another type than the column.
    const form = Object.hasOwn(rewritten, column.name) ? undefined : textForm(column);
    const value = `r.${quoteIdent(column.name)}`;
    return { name: column.name, form: form ?? ("json" as const), sql: form === undefined ? `to_json(${value})` : value };
  });
  const values = columns.map(({ sql }) => sql).join(", ");
  return { statement: `copy (select ${values} from (${rowsQuery(table)}) r) to stdout (encoding 'UTF8')`, columns };
}
