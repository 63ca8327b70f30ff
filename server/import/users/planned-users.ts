import type { Sql } from "postgres";
import type { PlannedUser } from "../../../engine/plan.ts";
import type { Scope } from "../../scope/define-scope.ts";
import type { UserIds } from "./user-ids.ts";
import { findUsers } from "./user-map.ts";

/** At most so many are listed, those that most rows name first. */
const listedUsers = 1000;

/** The users of the bundle, and those whom its rows name, each with who it is mapped to and who in the target has the same e-mail address. */
export async function plannedUsers(
  sql: Sql,
  scope: Scope,
  named: UserIds,
  bundleUsers: ReadonlyMap<string, string>,
  map: Readonly<Record<string, string>>,
): Promise<PlannedUser[]> {
  const seen = new Set(named.users.map(({ id }) => id));
  const others = [...bundleUsers.keys()].filter((id) => !seen.has(id)).map((id) => ({ id, references: 0 }));
  const users = [...named.users, ...others]
    .sort((a, b) => b.references - a.references || (a.id < b.id ? -1 : 1))
    .slice(0, listedUsers);
  const names = users.flatMap(({ id }) => [map[id], bundleUsers.get(id)]).filter((name) => name !== undefined);
  const targets = names.length === 0 ? [] : await findUsers(sql, scope, names);
  return users.map(({ id, references }) => {
    const email = bundleUsers.get(id) ?? null;
    return {
      id,
      email,
      references,
      mapped: targets.find((target) => target.id === map[id]) ?? null,
      proposed: targets.find((target) => target.email.toLowerCase() === email?.toLowerCase()) ?? null,
    };
  });
}
