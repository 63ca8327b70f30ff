import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { Outcome, Plan } from "../../engine/plan.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import type { ResolvedForeignKey } from "../scope/resolve-scope.ts";
import { contentColumns, updatableColumns } from "./plan-compare.ts";
import { finalValue } from "./plan-final.ts";
import { clearedOf, joinOn, outcomeOf, type PlanInput, plannedRows } from "./plan-input.ts";
import { stagedValue } from "./stage-table.ts";

/**
 * Carries out a plan within the caller's transaction: inserts parents first, then the references that close a cycle, then
 * updates, then sequences.
 * @throws BackupError `IMPORT_PLAN_CHANGED` where PostgreSQL did something else than the plan says.
 */
export async function applyPlan(
  sql: Sql,
  inputs: readonly PlanInput[],
  plan: Plan,
  onTable?: (table: string) => void,
): Promise<void> {
  await sql.unsafe("set constraints all deferred");
  for (const input of inputs) {
    if (planned(plan, input, "insert") === 0) continue;
    onTable?.(input.table.key);
    assertInserted(input, plan, await insertPlanned(sql, input));
  }
  await finishApply(sql, inputs, plan);
}

/** @throws BackupError `IMPORT_PLAN_CHANGED` */
export function assertInserted(input: PlanInput, plan: Plan, inserted: number): void {
  assertCount(input, "insert", inserted, planned(plan, input, "insert"));
}

/** @returns rows inserted. */
export async function insertPlanned(sql: Sql, input: PlanInput): Promise<number> {
  return (await sql.unsafe(insertSql(input))).count;
}

/** What follows once all new rows are there. */
export async function finishApply(sql: Sql, inputs: readonly PlanInput[], plan: Plan): Promise<void> {
  for (const input of inputs) {
    for (const reference of input.table.references) {
      if (reference.deferred && reference.clearable.length > 0) await sql.unsafe(fillSql(input, reference));
    }
  }
  for (const input of inputs) {
    const expected = planned(plan, input, "update") + planned(plan, input, "metadata_update");
    if (expected === 0) continue;
    const updated = await sql.unsafe(updateSql(input));
    assertCount(input, "update", updated.count, expected);
  }
  for (const input of inputs) if (planned(plan, input, "insert") > 0) await advanceSequences(sql, input);
  await sql.unsafe("set constraints all immediate");
}

function planned(plan: Plan, input: PlanInput, outcome: Outcome): number {
  return plan.tables.find((table) => table.table === input.table.key)?.outcomes[outcome] ?? 0;
}

function assertCount(input: PlanInput, what: string, done: number, expected: number): void {
  if (done === expected) return;
  const table = input.table.key;
  throw new BackupError(
    "IMPORT_PLAN_CHANGED",
    `${table}: ${done} rows instead of the planned ${expected} (${what}); nothing was changed`,
    {
      table,
    },
  );
}

function insertSql(input: PlanInput): string {
  const { table, staged } = input;
  const waiting = new Set(table.references.filter((reference) => reference.deferred).flatMap((reference) => reference.clearable));
  const carried = table.carried
    .map((column) => column.name)
    .filter((name) => !staged.absent.has(name) && !waiting.has(name) && !table.importer.includes(name));
  const columns = [...carried, ...table.importer];
  const values = columns.map((name) => finalValue(input, name));
  const blobs = table.scope.blob === undefined ? "" : `left join ${table.blobs} b on b._row = s._row`;
  return `insert into ${quoteTable(table.catalog)} (${columns.map(quoteIdent).join(", ")}) overriding system value
    select ${values.join(", ")} from ${plannedRows(input)} ${blobs} where ${outcomeOf(input)} = 'insert'`;
}

/** A reference that pointed forward: its parent is there now. */
function fillSql(input: PlanInput, reference: ResolvedForeignKey): string {
  const { table } = input;
  const place = table.references.indexOf(reference);
  const set = reference.clearable.map((name) => `${quoteIdent(name)} = s.${quoteIdent(name)}`);
  // Any of them: a composite key that is empty in part refers to nothing, and is kept as it is.
  const given = reference.clearable.map((name) => `s.${quoteIdent(name)} is not null`);
  return `update ${quoteTable(table.catalog)} t set ${set.join(", ")} from ${plannedRows(input)}
    where ${joinOn(table.catalog.primaryKey, "t", "s")} and ${outcomeOf(input)} = 'insert' and ${clearedOf(input)} & ${2 ** place} = 0
      and (${given.join(" or ")})`;
}

function updateSql(input: PlanInput): string {
  const { table, mode } = input;
  const content = mode === "merge" ? contentColumns(table) : [];
  const columns = [...updatableColumns(input), ...table.carried.filter((column) => content.includes(column.name))];
  const set = columns.map((column) => {
    const name = quoteIdent(column.name);
    const staged = column.name === table.scope.blob?.key ? "b.key" : stagedValue(column);
    return `${name} = case when ${quoteLiteral(column.name)} = any(p.changed) then ${staged} else t.${name} end`;
  });
  const blobs = table.scope.blob === undefined ? "" : `left join ${table.blobs} b on b._row = s._row`;
  return `update ${quoteTable(table.catalog)} t set ${set.join(", ")}
    from ${table.stage} s join ${table.plan} p using (_row) ${blobs}
    where ${joinOn(table.catalog.primaryKey, "t", "s")} and p.outcome in ('update', 'metadata_update')`;
}

/** A sequence never goes back: rows of the target may have drawn from it and gone. */
export async function advanceSequences(sql: Sql, { table }: PlanInput): Promise<void> {
  for (const column of table.carried) {
    if (column.sequence === null) continue;
    const name = quoteIdent(column.name);
    await sql.unsafe(`select setval(q.seqrelid, case when q.seqincrement > 0 then least(m.highest, q.seqmax) else greatest(m.lowest, q.seqmin) end::int8)
      from (select max(${name}) as highest, min(${name}) as lowest from ${quoteTable(table.catalog)}) m, ${column.sequence} s, pg_sequence q
      where q.seqrelid = ${quoteLiteral(column.sequence)}::regclass
        and case when q.seqincrement > 0 then m.highest >= s.last_value else m.lowest <= s.last_value end`);
  }
}
