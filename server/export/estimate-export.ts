import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { ExportEstimate, TableEstimate } from "../../engine/http-types.ts";
import { readCatalog } from "../database/catalog.ts";
import { databaseError } from "../database/connect.ts";
import { quoteIdent } from "../database/session.ts";
import type { Scope } from "../scope/define-scope.ts";
import { type ResolvedTable, resolveScope } from "../scope/resolve-scope.ts";
import { resolveOptions } from "./options.ts";
import { rowsQuery } from "./table-query.ts";
import { onlyTenants } from "./tenant-rows.ts";

/** Up to here counting costs no more than planning. */
const countedRows = 20_000;
/** What deflate leaves of JSON rows in the benchmarks. */
const rowsRatio = 0.17;
/** Quotes, colon and comma around a column's name and value. */
const columnOverhead = 5;

/**
 * What an export with these options, and of these tenants alone where any are named, would be about, without reading it: small tables are counted, of large ones PostgreSQL's
 * planner says what it expects, and objects are summed up by their rows.
 * @throws BackupError `REQUEST_INVALID`, `SCHEMA_SCOPE`, `IO_DATABASE`
 */
export async function estimateExport(
  sql: Sql,
  scope: Scope,
  requested: Record<string, unknown>,
  wanted?: readonly string[],
): Promise<ExportEstimate> {
  const { options } = resolveOptions(scope, requested);
  try {
    const catalog = await readCatalog(sql);
    const whole = resolveScope(scope, catalog);
    const resolved = wanted === undefined ? whole : (await onlyTenants(sql, whole, catalog, wanted)).scope;
    const tables: TableEstimate[] = [];
    const files = { count: 0, bytes: 0 };
    for (const table of resolved.tables) {
      const { option, blob } = table.scope;
      const isOn = option === undefined || options[option.name] === true;
      if (!isOn && option.off === "absent") continue;
      tables.push(isOn ? await estimateTable(sql, table) : { table: table.key, rows: 0, bytes: 0, exact: true });
      if (isOn && blob !== undefined && options[blob.option] === true) add(files, await sumObjects(sql, table));
    }
    return total(tables, files);
  } catch (error) {
    throw error instanceof BackupError ? error : databaseError(error);
  }
}

async function estimateTable(sql: Sql, table: ResolvedTable): Promise<TableEstimate> {
  const query = rowsQuery(table);
  const [counted] = await sql.unsafe(`select count(*)::float8 as n from (${query} limit ${countedRows + 1}) r`);
  const [explained] = await sql.unsafe(`explain (format json) ${query}`);
  const plan = explained!["QUERY PLAN"][0].Plan as { "Plan Rows": number; "Plan Width": number };
  const exact = counted!["n"] <= countedRows;
  const rows = exact ? (counted!["n"] as number) : Math.max(countedRows, plan["Plan Rows"]);
  const names = table.columns.reduce((sum, { name }) => sum + name.length + columnOverhead, 0);
  return { table: table.key, rows, bytes: Math.round(rows * (plan["Plan Width"] + names)), exact };
}

async function sumObjects(sql: Sql, table: ResolvedTable): Promise<ExportEstimate["files"]> {
  const size = quoteIdent(table.scope.blob!.size);
  const sums = `count(*)::float8 as count, coalesce(sum(${size}), 0)::float8 as bytes`;
  const [row] = await sql.unsafe(`select ${sums} from (${rowsQuery(table)}) r`);
  return { count: row!["count"], bytes: row!["bytes"] };
}

function add(sum: ExportEstimate["files"], more: ExportEstimate["files"]): void {
  sum.count += more.count;
  sum.bytes += more.bytes;
}

function total(tables: TableEstimate[], files: ExportEstimate["files"]): ExportEstimate {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const rowBytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  const bundle_bytes = Math.round(rowBytes * rowsRatio + files.bytes);
  return { tables, files, rows, bytes: rowBytes + files.bytes, bundle_bytes };
}
