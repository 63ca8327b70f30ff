import type { Sql } from "postgres";
import { tablePath } from "../../engine/bundle/layout.ts";
import { BackupError } from "../../engine/errors.ts";
import type { UniqueIndex } from "../database/catalog.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import { finalRow } from "./plan-final.ts";
import { arrivingOutcomes, type PlanInput } from "./plan-input.ts";

/** @throws BackupError `SCHEMA_ROW` where two rows of the bundle have one primary key: neither is the last that wins. */
export async function refuseRepeatedKeys(sql: Sql, { table, staged }: PlanInput): Promise<void> {
  // Two people of the bundle may be one in the target.
  if (staged.ascending || table.requiredUsers.length > 0) return;
  const key = table.catalog.primaryKey.map(quoteIdent).join(", ");
  const [repeated] = await sql.unsafe(
    `select min(_row)::text as first, max(_row)::text as last from ${table.stage} group by ${key} having count(*) > 1 limit 1`,
  );
  if (repeated === undefined) return;
  const entry = tablePath(table.key);
  const message = `${entry}: rows ${repeated["first"]} and ${repeated["last"]} have the same primary key`;
  throw new BackupError("SCHEMA_ROW", message, { entry, table: table.key, row: Number(repeated["last"]) });
}

/**
 * Marks the planned rows whose unique values another row holds: one of the target, or an earlier one of the bundle.
 * `ON CONFLICT` on the primary key would fail on them, and `DO NOTHING` would lose them in silence.
 */
export async function markUniqueConflicts(sql: Sql, input: PlanInput): Promise<void> {
  if (input.table.requiredUsers.length > 0) await sql.unsafe(sameUserSql(input));
  for (const index of input.table.catalog.uniqueIndexes) {
    if (!input.targetEmpty && input.mode !== "replace") await sql.unsafe(conflictsWithTarget(input, index));
    const [repeated] = await sql.unsafe(repeatedInBundle(input, index));
    if (repeated !== undefined) await sql.unsafe(conflictsInBundle(input, index));
  }
}

/** Rows that are one row by the mapping of users: the first of them is it. */
function sameUserSql(input: PlanInput): string {
  const { table } = input;
  const key = table.catalog.primaryKey.map(quoteIdent);
  return markConflicts(
    input,
    `select _row, 'primary key', 'row ' || first from (
       select _row, first_value(_row) over same as first, row_number() over same as place from ${table.stage}
       where ${key.map((name) => `${name} is not null`).join(" and ")} window same as (partition by ${key.join(", ")} order by _row)
     ) n where place > 1`,
  );
}

/** The index's keys over every row that would be written. */
function incoming(input: PlanInput, { keys, where }: UniqueIndex): string {
  const named = keys.map((key, i) => `(${key}) as _key_${i}`).join(", ");
  const filter = where === null ? "" : ` where ${where}`;
  const writes = `_outcome in ${input.mode === "replace" ? arrivingOutcomes(input) : "('insert', 'update', 'metadata_update')"}`;
  return `select _row, ${named} from (select * from (${finalRow(input)}) f where ${writes}) f${filter}`;
}

/** Overrules what was planned for the rows of `select`: `_row`, the constraint and who holds the value. */
function markConflicts({ table }: PlanInput, select: string): string {
  return `insert into ${table.plan} (_row, outcome, cleared, "constraint", holder)
    select _row, 'conflict_unique', 0, name, holder from (${select}) conflicts (_row, name, holder)
    on conflict (_row) do update set outcome = excluded.outcome, changed = null, old_hash = null,
      "constraint" = excluded."constraint", holder = excluded.holder`;
}

function conflictsWithTarget(input: PlanInput, index: UniqueIndex): string {
  const { table } = input;
  const key = table.catalog.primaryKey;
  const named = index.keys.map((expression, i) => `(${expression}) as _key_${i}`).join(", ");
  const filter = index.where === null ? "" : ` where ${index.where}`;
  const operator = index.nullsNotDistinct ? "is not distinct from" : "=";
  const equal = index.keys.map((_, i) => `n._key_${i} ${operator} h._key_${i}`).join(" and ");
  const own = key.map((name) => `h.${quoteIdent(name)} = s.${quoteIdent(name)}`).join(" and ");
  const holder = key.map((name) => `h.${quoteIdent(name)}::text`).join(" || ',' || ");
  return markConflicts(
    input,
    `select n._row, ${quoteLiteral(index.name)}, ${holder} from (${incoming(input, index)}) n
     join ${table.stage} s on s._row = n._row
     join (select ${key.map(quoteIdent).join(", ")}, ${named} from ${quoteTable(table.catalog)}${filter}) h on ${equal}
     where not (${own})`,
  );
}

function presentKeys(index: UniqueIndex): string {
  return index.nullsNotDistinct ? "true" : index.keys.map((_, i) => `_key_${i} is not null`).join(" and ");
}

function repeatedInBundle(input: PlanInput, index: UniqueIndex): string {
  const keys = index.keys.map((_, i) => `_key_${i}`).join(", ");
  return `select 1 from (${incoming(input, index)}) n where ${presentKeys(index)} group by ${keys} having count(*) > 1 limit 1`;
}

function conflictsInBundle(input: PlanInput, index: UniqueIndex): string {
  const keys = index.keys.map((_, i) => `_key_${i}`).join(", ");
  return markConflicts(
    input,
    `select _row, ${quoteLiteral(index.name)}, 'row ' || first from (
       select _row, first_value(_row) over same as first, row_number() over same as place
       from (${incoming(input, index)}) i where ${presentKeys(index)} window same as (partition by ${keys} order by _row)
     ) n where place > 1`,
  );
}
