import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { Catalog } from "../database/catalog.ts";
import { quoteIdent, quoteTableKey } from "../database/session.ts";
import type { Scope, ScopeTenants } from "../scope/define-scope.ts";
import { own } from "../scope/own.ts";
import type { ResolvedScope, ResolvedTable } from "../scope/resolve-scope.ts";
import { type TenantScope, tenantCondition } from "../scope/tenants.ts";

/** The tenants that a bundle holds, as its manifest names them. */
export type BundleTenants = {
  table: string;
  /** Their keys, as PostgreSQL writes them, in order. */
  ids: string[];
};

/**
 * Leaves of every table only the rows that hang on these tenants, named by key or by the name column of the scope's `tenants`.
 * @throws BackupError `REQUEST_INVALID` for a tenant that does not exist, and where the scope has none.
 */
export async function onlyTenants(
  sql: Sql,
  resolved: ResolvedScope,
  catalog: Catalog,
  wanted: readonly string[],
): Promise<{ scope: ResolvedScope; tenants: BundleTenants }> {
  const tenancy = { scope: withTenants(resolved.scope), catalog };
  const ids = await findTenants(sql, tenancy.scope, wanted);
  const tables = resolved.tables.map((table) => restricted(table, tenancy, ids));
  return { scope: { ...resolved, tables }, tenants: { table: tenancy.scope.tenants.table, ids } };
}

/** @throws BackupError `REQUEST_INVALID` where the scope has none. */
export function withTenants(scope: Scope): TenantScope["scope"] {
  if (scope.tenants !== undefined) return { ...scope, tenants: scope.tenants };
  throw new BackupError(
    "REQUEST_INVALID",
    `the scope ${scope.name} does not say what a tenant is: there is nothing to export one of`,
  );
}

async function findTenants(sql: Sql, scope: TenantScope["scope"], wanted: readonly string[]): Promise<string[]> {
  const { table, id, name }: ScopeTenants = scope.tenants;
  const key = `${quoteIdent(id)}::text`;
  const where = own(scope.tables, table)?.where ?? "true";
  const rows = await sql.unsafe(
    `select ${key} as id, ${name === undefined ? "null" : `${quoteIdent(name)}::text`} as name from ${quoteTableKey(table)}
     where (${where}) and (${key} = any($1::text::text[])${name === undefined ? "" : ` or ${quoteIdent(name)}::text = any($1::text::text[])`})
     order by ${quoteIdent(id)}`,
    [`{${wanted.map((text) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`],
  );
  for (const text of wanted) {
    if (rows.some((row) => row["id"] === text || row["name"] === text)) continue;
    const by = name === undefined ? id : `${id} or ${name}`;
    throw new BackupError("REQUEST_INVALID", `${table} has no row with the ${by} ${JSON.stringify(text)}`, {
      table,
      tenant: text,
    });
  }
  return rows.map((row) => row["id"] as string);
}

function restricted(table: ResolvedTable, tenancy: TenantScope, ids: readonly string[]): ResolvedTable {
  const condition = tenantCondition(tenancy, table.key, ids) ?? (table.scope.shared === "in" ? "true" : "false");
  const own = table.scope.where === undefined ? [] : [`(${table.scope.where})`];
  return { ...table, scope: { ...table.scope, where: [...own, `(${condition})`].join(" and ") } };
}
