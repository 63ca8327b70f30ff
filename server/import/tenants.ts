import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import { quoteIdent, quoteTable } from "../database/session.ts";
import type { ResolvedScope, ResolvedTable } from "../scope/resolve-scope.ts";
import type { PlanInput } from "./plan-input.ts";
import { matchParent } from "./plan-references.ts";

/** Keys of the tenants whose rows enter, as the target knows them. */
const wanted = "pg_temp.wanted_tenants";

/** The table whose rows are the tenants: what the tenant columns of the others refer to. */
export function tenantTable({ tables }: ResolvedScope): ResolvedTable | undefined {
  for (const { scope, foreignKeys } of tables) {
    const key = foreignKeys.find(({ columns }) => columns.length === 1 && columns[0] === scope.tenant);
    if (key !== undefined) return tables.find((table) => table.key === key.parent);
  }
  return undefined;
}

/**
 * Finds the tenants that were asked for, by key or by natural key: among the bundle's rows, else in the target. The rows of all
 * others get the condition `outside`.
 * @returns their keys in the bundle, sorted.
 * @throws BackupError `REQUEST_INVALID` naming those that are nowhere.
 */
export async function selectTenants(
  sql: Sql,
  scope: ResolvedScope,
  inputs: readonly PlanInput[],
  names: readonly string[],
): Promise<string[]> {
  const tenants = tenantTable(scope);
  if (tenants === undefined || tenants.catalog.primaryKey.length !== 1) {
    throw new BackupError("REQUEST_INVALID", `the scope ${scope.scope.name} knows no organizations: import all of the bundle`);
  }
  const id = quoteIdent(tenants.catalog.primaryKey[0]!);
  const [natural, ...more] = tenants.scope.naturalKey ?? [];
  const name = natural === undefined || more.length > 0 ? id : quoteIdent(natural);
  const input = inputs.find(({ table }) => table.key === tenants.key);
  const rows =
    input === undefined
      ? `${quoteTable(tenants.catalog)} o`
      : `${input.table.original} o join ${input.table.stage} s using (_row)`;
  await sql.unsafe(`create temporary table ${wanted.slice("pg_temp.".length)} as
    select ${input === undefined ? "o" : "s"}.${id} as id, o.${id}::text as source, o.${name}::text as name from ${rows}
    where o.${id}::text = any(array(select json_array_elements_text('${JSON.stringify(names).replaceAll("'", "''")}'::json)))
       or o.${name}::text = any(array(select json_array_elements_text('${JSON.stringify(names).replaceAll("'", "''")}'::json)))`);
  const found = await sql.unsafe(`select source, name from ${wanted} order by source`);
  const unknown = names.filter((asked) => !found.some((row) => row["source"] === asked || row["name"] === asked));
  if (unknown.length > 0) {
    const place = input === undefined ? "the target" : "the bundle";
    throw new BackupError(
      "REQUEST_INVALID",
      `${place} has no organization ${unknown.join(", ")}; name it by its id${natural === undefined ? "" : ` or ${natural}`}`,
    );
  }
  for (const candidate of inputs) candidate.outside = outsideSql(candidate, tenants.key, "s", new Set());
  return found.map((row) => row["source"] as string);
}

/** A condition over a staged row: it belongs to none of the wanted tenants. What belongs to nobody does not, either. */
function outsideSql({ table, inputs }: PlanInput, tenants: string, alias: string, seen: Set<string>): string {
  const column = table.key === tenants ? table.catalog.primaryKey[0] : table.scope.tenant;
  if (column !== undefined) return `not exists (select 1 from ${wanted} w where w.id = ${alias}.${quoteIdent(column)})`;
  seen.add(table.key);
  for (const reference of table.references) {
    const parent = inputs.get(reference.parent);
    if (parent === undefined || reference.clearable.length > 0 || seen.has(reference.parent)) continue;
    const next = `${alias}p`;
    const match = matchParent(reference, next, alias);
    return `not exists (select 1 from ${parent.table.stage} ${next} where ${match} and not (${outsideSql(parent, tenants, next, seen)}))`;
  }
  return "true";
}
