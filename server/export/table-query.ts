import { quoteIdent, quoteTable } from "../database/session.ts";
import { own } from "../scope/own.ts";
import type { ResolvedTable } from "../scope/resolve-scope.ts";
import { KeySet } from "../scope/without-keys.ts";
import { type TextForm, textForm } from "./row-json.ts";
import { exactValue } from "./value-sql.ts";

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

/**
 * COPY of the rows in its text format, each column as `RowJson` takes it: plain values as they are, all others as JSON that PostgreSQL
 * makes and that says everything of the value.
 */
export function copyQuery(table: ResolvedTable): {
  statement: string;
  columns: { name: string; form: TextForm; withoutKeys: KeySet | undefined }[];
} {
  const rewritten = table.scope.rewrite ?? {};
  const columns = table.columns.map((column) => {
    // What an expression gives may be of another type than the column.
    const isPlain = column.shape === "plain" && !Object.hasOwn(rewritten, column.name);
    const form = isPlain ? textForm(column) : undefined;
    const value = `r.${quoteIdent(column.name)}`;
    const sql = form === undefined ? `to_json(${exactValue(column, value)})` : value;
    const keys = own(table.scope.withoutKeys, column.name);
    return { name: column.name, form: form ?? ("json" as const), sql, withoutKeys: keys && new KeySet(keys) };
  });
  const values = columns.map(({ sql }) => sql).join(", ");
  return { statement: `copy (select ${values} from (${rowsQuery(table)}) r) to stdout (encoding 'UTF8')`, columns };
}
