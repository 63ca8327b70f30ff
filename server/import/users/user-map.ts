import type { Sql } from "postgres";
import { BackupError } from "../../../engine/errors.ts";
import type { TargetUser } from "../../../engine/plan.ts";
import { quoteIdent, quoteTableKey } from "../../database/session.ts";
import type { Scope } from "../../scope/define-scope.ts";

/**
 * Users of the bundle, by key or e-mail address, to users of the target, by key or e-mail address, as keys of both, in the order of
 * the bundle's.
 * @throws BackupError `REQUEST_INVALID` naming everybody who is not found.
 */
export async function resolveUserMap(
  sql: Sql,
  scope: Scope,
  wanted: Readonly<Record<string, string>>,
  bundleUsers: ReadonlyMap<string, string>,
): Promise<Record<string, string>> {
  const entries = Object.entries(wanted);
  if (entries.length === 0) return {};
  const targets = await findUsers(
    sql,
    scope,
    entries.map(([, to]) => to),
  );
  const problems: string[] = [];
  const resolved = new Map<string, string>();
  for (const [from, to] of entries) {
    const source = from.includes("@") ? idOf(from, bundleUsers) : from;
    const target = targets.find(({ id, email }) => id === to || email.toLowerCase() === to.toLowerCase());
    if (source === undefined)
      problems.push(
        `the bundle has no user ${from}${bundleUsers.size === 0 ? ": it carries no users, so use the ids that a preview lists" : ""}`,
      );
    else if (target === undefined) problems.push(`the target has no user ${to}`);
    else if ((resolved.get(source) ?? target.id) !== target.id) problems.push(`${from} is mapped twice`);
    else resolved.set(source, target.id);
  }
  if (problems.length > 0)
    throw new BackupError("REQUEST_INVALID", `the mapping of users cannot be used: ${problems.join("; ")}`);
  return Object.fromEntries([...resolved].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function idOf(email: string, users: ReadonlyMap<string, string>): string | undefined {
  for (const [id, candidate] of users) if (candidate.toLowerCase() === email.toLowerCase()) return id;
  return undefined;
}

/** Users of the target by key or e-mail address. */
export async function findUsers(sql: Sql, { users }: Scope, names: readonly string[]): Promise<TargetUser[]> {
  const [id, email] = [quoteIdent(users.id), quoteIdent(users.email)];
  const rows = await sql.unsafe(
    `select ${id}::text as id, ${email}::text as email from ${quoteTableKey(users.table)}
     where ${id}::text in (select json_array_elements_text($1::text::json))
        or lower(${email}::text) in (select lower(json_array_elements_text($1::text::json))) order by ${id}`,
    [JSON.stringify(names)],
  );
  return rows.map((row) => ({ id: row["id"] as string, email: row["email"] as string }));
}
