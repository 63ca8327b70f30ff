import type { Sql } from "postgres";
import type { TenantList } from "../../engine/http-types.ts";
import { databaseError } from "../database/connect.ts";
import { quoteIdent, quoteTableKey } from "../database/session.ts";
import type { Scope } from "../scope/define-scope.ts";
import { own } from "../scope/own.ts";
import { withTenants } from "./tenant-rows.ts";

/** Nobody looks through more; a search finds the others. */
export const mostTenants = 100;

/**
 * The tenants of which an export may take some, by name: those whose name or key holds `search`, and how many there are of them.
 * @throws BackupError `REQUEST_INVALID` where the scope has none, `IO_DATABASE`
 */
export async function listTenants(sql: Sql, scope: Scope, search = ""): Promise<TenantList> {
  const { tenants } = withTenants(scope);
  const where = own(scope.tables, tenants.table)?.where ?? "true";
  const [id, name] = [tenants.id, tenants.name ?? tenants.id].map((column) => `${quoteIdent(column)}::text`);
  const rows = await sql
    .unsafe(
      `select ${id} as id, ${name} as name, (count(*) over ())::int as total from ${quoteTableKey(tenants.table)}
       where (${where}) and (strpos(lower(${name}), lower($1)) > 0 or strpos(${id}, $1) > 0)
       order by ${name} collate "C", ${quoteIdent(tenants.id)} limit ${mostTenants}`,
      [search],
    )
    .catch((cause: unknown) => {
      throw databaseError(cause);
    });
  return { total: rows[0]?.["total"] ?? 0, tenants: rows.map((row) => ({ id: row["id"], name: row["name"] })) };
}
