import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import { quoteIdent, quoteTableKey } from "../database/session.ts";
import type { Scope } from "../scope/define-scope.ts";

/** The admin on whose behalf rows enter. */
export interface Importer {
  /** The user's key, as PostgreSQL writes it. */
  id: string;
  email: string;
}

/**
 * Finds an active admin of the target by e-mail address; the only one, or the eldest by key, where none is named.
 * @throws BackupError `AUTH_FORBIDDEN` where there is no such admin.
 */
export async function findImporter(sql: Sql, scope: Scope, email?: string): Promise<Importer> {
  const { users } = scope;
  const table = quoteTableKey(users.table);
  const filter = email === undefined ? "" : ` and lower(${quoteIdent(users.email)}) = lower($1)`;
  const rows = await sql.unsafe(
    `select ${quoteIdent(users.id)}::text as id, ${quoteIdent(users.email)} as email from ${table}
     where (${users.admin})${filter} order by ${quoteIdent(users.id)} limit 1`,
    email === undefined ? [] : [email],
  );
  const [row] = rows;
  if (row !== undefined) return { id: row["id"], email: row["email"] };
  const found = email === undefined ? "the target has no active admin" : `${email} is no active admin of the target`;
  throw new BackupError("AUTH_FORBIDDEN", `${found}; an import needs one in whose name the rows enter`);
}
