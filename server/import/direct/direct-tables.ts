import type { Sql } from "postgres";
import type { ImportChoices } from "../../../engine/plan.ts";
import type { Bundle } from "../../../engine/read-bundle.ts";
import { isEmpty } from "../make-plan.ts";
import type { StageTable } from "../stage-table.ts";

/**
 * The tables whose rows can go straight from the bundle into the target, without a table in between: every table of the target is
 * empty, so that each row is new, and nothing is to be decided or changed about rows of these tables. PostgreSQL's own constraints
 * hold the assumption that every reference finds its row and every key is unique against the truth.
 * @returns their keys; none where the target has rows.
 */
export async function directTables(
  sql: Sql,
  tables: readonly StageTable[],
  { manifest }: Bundle,
  choices: Partial<ImportChoices>,
): Promise<Set<string>> {
  const choosesRows = Object.keys(choices.user_map ?? {}).length > 0 || (choices.tenants ?? null) !== null;
  if (choosesRows) return new Set();
  for (const table of tables) if (!(await isEmpty(sql, table))) return new Set();
  const plain = tables.filter((table) => isPlain(table) && manifest.tables.some(({ name }) => name === table.key));
  const takes = await takingCopy(sql, plain);
  return new Set(plain.filter(({ catalog }) => takes.has(catalog.oid)).map(({ key }) => key));
}

function isPlain({ scope, references, carried }: StageTable): boolean {
  if (scope.blob !== undefined || scope.needsUserMapping !== undefined) return false;
  if ((scope.rewriteOnImport ?? []).length > 0 || scope.whereOnImport === true) return false;
  return !references.some(({ deferred }) => deferred) && !carried.some(({ viaJson }) => viaJson);
}

/** COPY passes by rules that rewrite an INSERT, and refuses a table under row security. */
async function takingCopy(sql: Sql, tables: readonly StageTable[]): Promise<Set<number>> {
  if (tables.length === 0) return new Set();
  const oids = tables.map(({ catalog }) => catalog.oid).join(", ");
  const rows = await sql.unsafe(
    `select oid::int8::int4 as oid from pg_class where oid in (${oids}) and not relhasrules and not row_security_active(oid)`,
  );
  return new Set(rows.map((row) => row["oid"] as number));
}
