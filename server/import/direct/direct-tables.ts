import type { Sql } from "postgres";
import type { ConflictMode, ImportChoices } from "../../../engine/plan.ts";
import type { Bundle } from "../../../engine/read-bundle.ts";
import { quoteTableKey } from "../../database/session.ts";
import type { Scope } from "../../scope/define-scope.ts";
import { isEmpty } from "../make-plan.ts";
import type { StageTable } from "../stage-table.ts";

/** A replacement that goes straight writes its objects under the lock of its tables: so many bytes of them at most. */
const mostObjectBytes = 1024 ** 3;

interface DirectRequest {
  mode: ConflictMode;
  scope: Scope;
  choices: Partial<ImportChoices>;
}

/**
 * The tables whose rows can go straight from the bundle into the target, without a table in between: each of them is empty, so that
 * each row is new, and nothing is to be decided or changed about its rows. PostgreSQL's own constraints hold the assumption that every
 * reference finds its row and every key is unique against the truth.
 * @returns their keys; none where the target has rows, in mode `replace` where it is in use.
 */
export async function directTables(
  sql: Sql,
  tables: readonly StageTable[],
  { manifest }: Bundle,
  request: DirectRequest,
): Promise<Set<string>> {
  const { choices, mode } = request;
  const choosesRows = Object.keys(choices.user_map ?? {}).length > 0 || (choices.tenants ?? null) !== null;
  if (choosesRows) return new Set();
  if (!(mode === "replace" ? await isFresh(sql, request.scope, manifest) : await areEmpty(sql, tables))) return new Set();
  const plain = tables.filter((table) => isPlain(table) && manifest.tables.some(({ name }) => name === table.key));
  const takes = await takingCopy(sql, plain);
  const direct = new Set(plain.filter(({ catalog }) => takes.has(catalog.oid)).map(({ key }) => key));
  return mode === "replace" ? onlyEmpty(sql, tables, direct, request.scope) : direct;
}

async function areEmpty(sql: Sql, tables: readonly StageTable[]): Promise<boolean> {
  for (const table of tables) if (!(await isEmpty(sql, table))) return false;
  return true;
}

/** Nobody works with it yet, and the objects do not keep it locked for long. */
async function isFresh(sql: Sql, { replace }: Scope, manifest: Bundle["manifest"]): Promise<boolean> {
  if (manifest.files.reduce((bytes, { size }) => bytes + (size ?? 0), 0) > mostObjectBytes) return false;
  for (const table of replace?.occupiedBy ?? [])
    if ((await sql.unsafe(`select 1 from ${quoteTableKey(table)} limit 1`)).length > 0) return false;
  return replace !== undefined;
}

/** An installation that was set up has an admin, and settings; who will be one is counted among the staged rows. */
async function onlyEmpty(sql: Sql, tables: readonly StageTable[], direct: Set<string>, { users }: Scope): Promise<Set<string>> {
  const empty = new Set<string>();
  for (const table of tables)
    if (table.key !== users.table && direct.has(table.key) && (await isEmpty(sql, table))) empty.add(table.key);
  return empty;
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
