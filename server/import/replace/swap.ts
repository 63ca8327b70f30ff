import type { Sql } from "postgres";
import { BackupError } from "../../../engine/errors.ts";
import type { Outcome, Plan } from "../../../engine/plan.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../../database/session.ts";
import type { ResolvedForeignKey } from "../../scope/resolve-scope.ts";
import { advanceSequences } from "../apply.ts";
import { joinOn, type PlanInput } from "../plan-input.ts";
import { arrivingRows, writableColumns } from "./shadow.ts";
import { withoutUniqueInTheWay } from "./unique-in-the-way.ts";

export interface SwapOptions {
  onTable?: (table: string) => void;
  /** Fills a table that has no shadow. */
  copy?: (input: PlanInput) => Promise<unknown>;
}

/**
 * Gives the tables the rows of their shadows, within the caller's transaction: what the bundle does not hold goes, children first;
 * then, parents first, rows that are there are updated in place, so that what refers to them stays, and new ones are inserted.
 * @throws BackupError `IMPORT_PLAN_CHANGED` where a table does not end up with the rows of its shadow.
 */
export async function swapTables(
  sql: Sql,
  inputs: readonly PlanInput[],
  plan: Plan,
  { onTable, copy }: SwapOptions = {},
): Promise<void> {
  await sql.unsafe("set constraints all deferred");
  for (const input of [...inputs].reverse()) if (planned(plan, input, "delete") > 0) await sql.unsafe(deleteSql(input));
  for (const input of inputs) {
    if (input.direct !== undefined) {
      await copy!(input);
      continue;
    }
    onTable?.(input.table.key);
    const hasUpdates = planned(plan, input, "update") > 0;
    const write = async () => {
      if (hasUpdates) await sql.unsafe(updateSql(input));
      await sql.unsafe(insertSql(input));
    };
    await (hasUpdates ? withoutUniqueInTheWay(sql, input, write) : write());
  }
  for (const input of inputs) {
    if (input.direct !== undefined) continue;
    for (const reference of openReferences(input)) await sql.unsafe(fillSql(input, reference));
  }
  await assertSwapped(sql, inputs, plan);
  for (const input of inputs) await advanceSequences(sql, input);
  await sql.unsafe("set constraints all immediate");
}

/** @throws BackupError `IMPORT_PLAN_CHANGED` where a table does not have the rows of the plan and no others. */
export async function assertSwapped(sql: Sql, inputs: readonly PlanInput[], plan: Plan): Promise<void> {
  for (const input of inputs) await assertSame(sql, input, arrivingRows(plan, input));
}

function planned(plan: Plan, { table }: PlanInput, outcome: Outcome): number {
  return plan.tables.find((candidate) => candidate.table === table.key)?.outcomes[outcome] ?? 0;
}

function deleteSql({ table }: PlanInput): string {
  return `delete from ${quoteTable(table.catalog)} t using ${table.gone} g where g.direct and ${joinOn(table.catalog.primaryKey, "t", "g")}`;
}

/** References within the table, and those that point forward in a cycle: what they name may not be there yet. */
function openReferences({ table }: PlanInput): ResolvedForeignKey[] {
  return table.references.filter(({ deferred, parent }) => deferred || parent === table.key);
}

function updateSql(input: PlanInput): string {
  const { table } = input;
  const key = table.catalog.primaryKey;
  const open = new Set(openReferences(input).flatMap(({ columns }) => columns));
  // Nothing else can differ; a column that numbers itself must not even be set to what it is.
  const columns = table.carried.filter(({ name }) => !key.includes(name) && !open.has(name));
  const set = columns.map(({ name }) => {
    const column = quoteIdent(name);
    return `${column} = case when ${quoteLiteral(name)} = any(p.changed) then s.${column} else t.${column} end`;
  });
  return `update ${quoteTable(table.catalog)} t set ${set.join(", ")} from ${table.shadow} s join ${table.plan} p using (_row)
    where ${joinOn(key, "t", "s")} and p.outcome = 'update'`;
}

/** New rows, and those that went with the row that they had belonged to. */
function insertSql(input: PlanInput): string {
  const { table } = input;
  const waiting = new Set(table.references.filter(({ deferred }) => deferred).flatMap(({ clearable }) => clearable));
  const columns = writableColumns(input)
    .filter(({ name }) => !waiting.has(name))
    .map(({ name }) => quoteIdent(name));
  return `insert into ${quoteTable(table.catalog)} (${columns.join(", ")}) overriding system value
    select ${columns.map((name) => `s.${name}`).join(", ")} from ${table.shadow} s
    where not exists (select 1 from ${quoteTable(table.catalog)} t where ${joinOn(table.catalog.primaryKey, "t", "s")})`;
}

function fillSql({ table }: PlanInput, { columns }: ResolvedForeignKey): string {
  const names = columns.map(quoteIdent);
  const differs = names.map((name) => `t.${name} is distinct from s.${name}`).join(" or ");
  return `update ${quoteTable(table.catalog)} t set ${names.map((name) => `${name} = s.${name}`).join(", ")}
    from ${table.shadow} s where ${joinOn(table.catalog.primaryKey, "t", "s")} and (${differs})`;
}

/** Every row of the shadow is there, and none that the bundle does not hold. */
async function assertSame(sql: Sql, { table, targetEmpty, direct }: PlanInput, expected: number): Promise<void> {
  const name = quoteTable(table.catalog);
  const key = table.catalog.primaryKey;
  const shadow = direct === undefined ? `join ${table.shadow} s on ${joinOn(key, "t", "s")}` : "";
  const left = targetEmpty
    ? "0"
    : `(select count(*) from ${name} t join ${table.gone} g on g.direct and ${joinOn(key, "t", "g")})`;
  const [row] = await sql.unsafe(`select ${left}::float8 as left,
    (select count(*) from ${name} t ${shadow})::float8 as found`);
  if (row!["found"] === expected && row!["left"] === 0) return;
  const message = `${table.key}: ${row!["found"]} rows instead of the planned ${expected}, and ${row!["left"]} that should have gone; nothing was changed`;
  throw new BackupError("IMPORT_PLAN_CHANGED", message, { table: table.key });
}
