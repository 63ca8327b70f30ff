import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { Catalog } from "../database/catalog.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import type { ResolvedScope, ResolvedTable } from "../scope/resolve-scope.ts";
import { conditionOver, type TenantRows, type TenantScope } from "../scope/tenants.ts";
import type { PlanInput } from "./plan-input.ts";
import { type StageTable, unqualified } from "./stage-table.ts";

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
 * others get the condition `outside`, which is made as an export's is.
 * @returns their keys in the bundle, sorted.
 * @throws BackupError `REQUEST_INVALID` naming those that are nowhere.
 */
export async function selectTenants(
  sql: Sql,
  scope: ResolvedScope,
  inputs: readonly PlanInput[],
  names: readonly string[],
  catalog: Catalog,
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
  const tenancy = { scope: { ...scope.scope, tenants: { table: tenants.key, id: tenants.catalog.primaryKey[0]! } }, catalog };
  for (const candidate of inputs) keepOutside(candidate, tenancy);
  return found.map((row) => row["source"] as string);
}

/** Rows of the other tenants, and those that hang on none, stay out. */
function keepOutside(input: PlanInput, tenancy: TenantScope): void {
  const { table, id } = tenancy.scope.tenants;
  const type = tenancy.catalog.tables.get(table)!.columns.find(({ name }) => name === id)!.type;
  const inside = conditionOver(tenancy, input.table.key, stagedRows(input, type)) ?? String(input.table.scope.shared === "in");
  const before = input.outside === undefined ? "" : `(${input.outside}) or `;
  input.outside = `${before}(${inside}) is not true`;
}

/** What is staged; the rows of the table that is asked about go by the name that a plan gives them. */
function stagedRows({ table: { key: asked }, inputs }: PlanInput, type: string): TenantRows {
  const staged = (key: string) => inputs.get(key)?.table;
  return {
    table(key) {
      const table = staged(key);
      if (table === undefined) return undefined;
      const alias = key === asked ? "s" : unqualified(table.stage);
      return { from: table.stage, alias, foreignKeys: table.references };
    },
    isTenant: (value) => `exists (select 1 from ${wanted} w where w.id = ${value})`,
    own(key, condition) {
      const table = staged(key)!;
      return ownCondition(table, condition, [...inputs.values()], key === asked ? "s" : unqualified(table.stage), type);
    },
  };
}

/** The scope's condition names tables of the application, in whose stead it finds what is staged of them. */
function ownCondition(table: StageTable, condition: string, inputs: readonly PlanInput[], alias: string, type: string): string {
  const { schema, name } = table.catalog;
  const beside = inputs.filter((input) => input.table.catalog.schema === schema);
  const shadows = beside.map((input) => `${quoteIdent(input.table.catalog.name)} as (select * from ${input.table.stage})`);
  const where = condition.replaceAll("$tenants", `(select array_agg(id)::text[] from ${wanted})::${type}[]`);
  return `${alias}._row in (with ${shadows.join(", ")} select _row from ${quoteIdent(name)} where ${where})`;
}
