import type { Sql } from "postgres";
import { BackupError } from "../../../engine/errors.ts";
import type { Plan } from "../../../engine/plan.ts";
import type { CatalogColumn } from "../../database/catalog.ts";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import { finalRow } from "../plan-final.ts";
import { arrivingOutcomes, joinOn, outcomeOf, type PlanInput, plannedRows } from "../plan-input.ts";
import { unqualified } from "../stage-table.ts";

/**
 * Builds the tables as they will be, beside the ones that are there, with the target's own constraints: PostgreSQL refuses here
 * what it would refuse in the table itself, before anything was touched. Foreign keys are the plan's.
 * @throws BackupError `IMPORT_PLAN_CHANGED` where there are not as many rows as planned; PostgreSQL's own refusal of a row.
 */
export async function buildShadows(sql: Sql, inputs: readonly PlanInput[], plan: Plan): Promise<void> {
  for (const input of inputs) {
    if (input.direct !== undefined) continue;
    const { shadow, catalog } = input.table;
    await sql.unsafe(`drop table if exists ${shadow}`);
    await sql.unsafe(
      `create temporary table ${unqualified(shadow)} (like ${quoteTable(catalog)} including constraints including generated, _row int8)`,
    );
    const { count } = await sql.unsafe(fillSql(input));
    assertRows(input, count, arrivingRows(plan, input));
    for (const statement of uniqueSql(input)) await sql.unsafe(statement);
    await sql.unsafe(`analyze ${shadow}`);
  }
}

/** @throws BackupError `IMPORT_PLAN_CHANGED` where the tables built before are not those of this plan */
export async function assertShadows(sql: Sql, inputs: readonly PlanInput[], plan: Plan): Promise<void> {
  for (const input of inputs) {
    if (input.direct !== undefined) continue;
    const arriving = `select s._row from ${plannedRows(input)} where ${outcomeOf(input)} in ${arrivingOutcomes(input)}`;
    const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${input.table.shadow} where _row in (${arriving})`);
    const [all] = await sql.unsafe(`select count(*)::float8 as rows from ${input.table.shadow}`);
    assertRows(input, row!["rows"], arrivingRows(plan, input));
    assertRows(input, all!["rows"], arrivingRows(plan, input));
  }
}

/** Rows that a table will have of the bundle. */
export function arrivingRows(plan: Plan, { table }: PlanInput): number {
  const outcomes = plan.tables.find((candidate) => candidate.table === table.key)?.outcomes ?? {};
  return (outcomes.insert ?? 0) + (outcomes.update ?? 0) + (outcomes.identical ?? 0);
}

function assertRows({ table }: PlanInput, found: number, expected: number): void {
  if (found === expected) return;
  const message = `${table.key}: ${found} rows were prepared instead of the planned ${expected}; nothing was changed`;
  throw new BackupError("IMPORT_PLAN_CHANGED", message, { table: table.key });
}

export function writableColumns({ table }: PlanInput): CatalogColumn[] {
  return table.catalog.columns.filter(({ generated }) => !generated);
}

function fillSql(input: PlanInput): string {
  const { table, targetEmpty } = input;
  const key = table.catalog.primaryKey;
  const columns = writableColumns(input);
  const values = columns.map((column) => shadowValue(input, column));
  const target = targetEmpty ? "" : `left join ${quoteTable(table.catalog)} t on ${joinOn(key, "t", "f")}`;
  return `insert into ${table.shadow} (_row, ${columns.map(({ name }) => quoteIdent(name)).join(", ")})
    select f._row, ${values.join(", ")} from (${finalRow(input)}) f ${target} where f._outcome in ${arrivingOutcomes(input)}`;
}

/** What the bundle does not have of a row is what the row has, or what a new one gets. */
function shadowValue({ table, staged, targetEmpty }: PlanInput, column: CatalogColumn): string {
  const name = quoteIdent(column.name);
  const carried = table.importer.includes(column.name) || table.carried.some((candidate) => candidate.name === column.name);
  if (carried && !staged.absent.has(column.name)) return `f.${name}`;
  const fresh = column.identity === null ? (column.default ?? "null") : `nextval(${literalOf(column.sequence)})`;
  return targetEmpty ? fresh : `case when f._outcome = 'insert' then ${fresh} else t.${name} end`;
}

function literalOf(sequence: string | null): string {
  return `'${(sequence ?? "").replaceAll("'", "''")}'`;
}

function uniqueSql({ table: { shadow, catalog } }: PlanInput): string[] {
  const key = `alter table ${shadow} add primary key (${catalog.primaryKey.map(quoteIdent).join(", ")})`;
  const indexes = catalog.uniqueIndexes.map(({ keys, where, nullsNotDistinct }) => {
    const nulls = nullsNotDistinct ? " nulls not distinct" : "";
    return `create unique index on ${shadow} (${keys.map((sql) => `(${sql})`).join(", ")})${nulls}${where === null ? "" : ` where ${where}`}`;
  });
  return [key, ...indexes];
}
