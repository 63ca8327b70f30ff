import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { ConflictMode, ImportChoices } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { modesOf, type Scope } from "../scope/define-scope.ts";
import { resolveUserMap } from "./users/user-map.ts";

/**
 * What a caller chose, in the one form that a plan's digest covers: users as keys, tables sorted. Tenants are resolved once the
 * rows are staged.
 * @throws BackupError `REQUEST_INVALID`
 */
export async function resolveChoices(
  sql: Sql,
  { scope, choices, mode }: { scope: Scope; choices: Partial<ImportChoices>; mode: ConflictMode },
  bundle: Bundle,
  bundleUsers: ReadonlyMap<string, string>,
): Promise<ImportChoices> {
  if (mode === "replace") assertWhole(choices);
  return {
    match_natural_keys: mode !== "replace" && (choices.match_natural_keys ?? true),
    user_map: await resolveUserMap(sql, scope, choices.user_map ?? {}, bundleUsers),
    tables: chosenTables(bundle, choices.tables ?? null),
    tenants: null,
  };
}

/** @throws BackupError `REQUEST_INVALID` for a mode that the scope does not offer */
export function assertOffered(scope: Scope, mode: ConflictMode): void {
  const offered = modesOf(scope);
  if (offered.includes(mode)) return;
  throw new BackupError("REQUEST_INVALID", `the scope ${scope.name} has no mode ${mode}; it has ${offered.join(", ")}`);
}

/** @throws BackupError `REQUEST_INVALID` where a part of the bundle would take the place of all that is there */
function assertWhole({ tables, tenants, user_map }: Partial<ImportChoices>): void {
  const chosen = [
    tables && "tables",
    tenants && "organizations",
    user_map && Object.keys(user_map).length > 0 && "a mapping of users",
  ];
  const [first] = chosen.filter(Boolean);
  if (first === undefined) return;
  throw new BackupError("REQUEST_INVALID", `mode replace takes the whole bundle as it is: leave out ${first}`);
}

function chosenTables({ manifest }: Bundle, tables: readonly string[] | null): string[] | null {
  const unknown = (tables ?? []).filter((table) => !Object.hasOwn(manifest.table_counts, table));
  if (unknown.length === 0) return tables === null ? null : [...new Set(tables)].sort();
  const known = Object.keys(manifest.table_counts).join(", ");
  throw new BackupError("REQUEST_INVALID", `the bundle has no table ${unknown.join(", ")}; it has ${known}`);
}
