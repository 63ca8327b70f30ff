import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import type { ResolvedScope, ResolvedTable } from "../scope/resolve-scope.ts";
import type { PlanInput } from "./plan-input.ts";
import { matchParent } from "./plan-references.ts";

/** Keys of the tenants whose rows enter, as the target knows them. */
const wanted = "pg_temp.wanted_tenants";

/** The table whose rows are the tenants: the scope says which, or else what the tenant columns of the others refer to. */
function tenantTable({ scope: { tenants }, tables }: ResolvedScope): ResolvedTable | undefined {
  if (tenants !== undefined) return tables.find((table) => table.key === tenants.table);
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
  const named = scope.scope.tenants?.name ?? (more.length > 0 ? undefined : natural);
  const name = named === undefined ? id : quoteIdent(named);
  const asked = `array(select json_array_elements_text(${quoteLiteral(JSON.stringify(names))}::json))`;
  const input = inputs.find(({ table }) => table.key === tenants.key);
  const rows =
    input === undefined
      ? `${quoteTable(tenants.catalog)} o`
      : `${input.table.original} o join ${input.table.stage} s using (_row)`;
  await sql.unsafe(`create temporary table ${wanted.slice("pg_temp.".length)} as
    select ${input === undefined ? "o" : "s"}.${id} as id, o.${id}::text as source, o.${name}::text as name from ${rows}
    where o.${id}::text = any(${asked}) or o.${name}::text = any(${asked})`);
  const found = await sql.unsafe(`select source, name from ${wanted} order by source`);
  const unknown = names.filter((one) => !found.some((row) => row["source"] === one || row["name"] === one));
  if (unknown.length > 0) {
    const place = input === undefined ? "the target" : "the bundle";
    throw new BackupError(
      "REQUEST_INVALID",
      `${place} has no organization ${unknown.join(", ")}; name it by its id${named === undefined ? "" : ` or ${named}`}`,
    );
  }
  for (const candidate of inputs) {
    const inside = insideSql(candidate, tenants.key, "s", []);
    const outside = inside === undefined ? String(candidate.table.scope.shared !== "in") : `not (${inside})`;
    candidate.outside = candidate.outside === undefined ? outside : `(${candidate.outside}) or (${outside})`;
  }
  return found.map((row) => row["source"] as string);
}

/**
 * A condition over a staged row: it hangs on one of the wanted tenants, by its tenant column or by every reference that leads to one.
 * `undefined` where nothing does.
 */
function insideSql({ table, inputs }: PlanInput, tenants: string, alias: string, path: readonly string[]): string | undefined {
  const isShared = table.scope.shared === "in";
  const column = table.key === tenants ? table.catalog.primaryKey[0] : table.scope.tenant;
  if (column !== undefined) {
    const name = `${alias}.${quoteIdent(column)}`;
    return `exists (select 1 from ${wanted} w where w.id = ${name})${isShared ? ` or ${name} is null` : ""}`;
  }
  const next = `${alias}p`;
  const leading = table.references.flatMap((reference) => {
    const parent = path.includes(reference.parent) || reference.parent === table.key ? undefined : inputs.get(reference.parent);
    const inside = parent === undefined ? undefined : insideSql(parent, tenants, next, [...path, table.key]);
    return inside === undefined ? [] : [{ reference, parent: parent!, inside }];
  });
  if (leading.length === 0) return undefined;
  const given = leading.map(
    ({ reference }) => `(${reference.columns.map((name) => `${alias}.${quoteIdent(name)} is not null`).join(" and ")})`,
  );
  const agree = leading.map(
    ({ reference, parent, inside }, i) =>
      `(not ${given[i]} or exists (select 1 from ${parent.table.stage} ${next} where ${matchParent(reference, next, alias)} and (${inside})))`,
  );
  const any = given.join(" or ");
  return `(${agree.join(" and ")} and (${any}))${isShared ? ` or not (${any})` : ""}`;
}
