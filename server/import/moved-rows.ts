import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { MovedTable, Outcome, Plan } from "../../engine/plan.ts";
import { quoteIdent } from "../database/session.ts";
import type { PlanReader } from "./kept/read-plan.ts";
import { stampSql } from "./kept/row-details.ts";
import type { PlanInput } from "./plan-input.ts";
import { unqualified } from "./stage-table.ts";

const shown = 10;

/** A plan that was made before: what was confirmed, or the import's own first one. */
export interface EarlierPlan {
  digest: string;
  /** Absent where only the digest is known. */
  plan?: Plan;
  /** Its tables lie in the session: those of `setAside`, or those of `loadEarlier` with a stamp instead of what it is made of. */
  tables?: "plans" | "stamps";
}

/** Keeps the plan tables of the session beside the ones that are made next. */
export async function setAside(sql: Sql, inputs: readonly PlanInput[]): Promise<void> {
  for (const input of inputs) {
    const { plan, earlier } = input.table;
    await sql.unsafe(`drop table if exists ${earlier}`);
    await sql.unsafe(`alter table ${plan} rename to ${unqualified(earlier)}`);
    input.earlierEmpty = input.targetEmpty;
  }
}

/** @throws BackupError `IMPORT_PLAN_CHANGED` that says what moved, where the two plans are not one. */
export async function assertPlanned(
  sql: Sql,
  inputs: readonly PlanInput[],
  plan: Plan,
  earlier: EarlierPlan | undefined,
): Promise<void> {
  if (earlier === undefined || earlier.digest === plan.digest) return;
  const details = { expected: earlier.digest, found: plan.digest, plan };
  const { plan: planned, tables } = earlier;
  if (planned === undefined) {
    const message = "the target changed since the plan was made, or the plan was of another bundle or other choices";
    throw new BackupError("IMPORT_PLAN_CHANGED", `${message}; nothing was changed: preview again`, details);
  }
  const other = otherRequest(planned, plan);
  if (other !== undefined) {
    throw new BackupError("IMPORT_PLAN_CHANGED", `the plan was made for ${other}; nothing was changed: preview again`, details);
  }
  const moved = await movedTables(sql, inputs, planned, plan, tables);
  const losses = ({ replace }: Plan) => JSON.stringify(replace?.lost);
  const what = losses(planned) === losses(plan) ? summaryOf(moved) : "what would be lost is otherwise";
  const message = `the target changed since the plan was made: ${what}; nothing was changed: preview again`;
  throw new BackupError("IMPORT_PLAN_CHANGED", message, { ...details, moved });
}

/** Brings a kept plan into the session. */
export async function loadEarlier(sql: Sql, inputs: readonly PlanInput[], reader: PlanReader): Promise<void> {
  for (const input of inputs) {
    const { key, earlier } = input.table;
    await sql.unsafe(`drop table if exists ${earlier}`);
    await sql.unsafe(`create temporary table ${unqualified(earlier)} (_row int8, outcome text, stamp text)`);
    input.earlierEmpty = false;
    for await (const rows of reader.stamps(key)) {
      await sql.unsafe(
        `insert into ${earlier} select g, outcome, coalesce(stamp, case outcome when 'insert' then md5('insert:0') end)
         from json_to_recordset($1::text::json) r(first int8, last int8, outcome text, stamp text), generate_series(first, last) g`,
        [JSON.stringify(rows)],
      );
    }
    for await (const rows of reader.clearedStamps(key)) {
      await sql.unsafe(
        `update ${earlier} e set stamp = r.stamp from json_to_recordset($1::text::json) r(first int8, stamp text) where e._row = r.first`,
        [JSON.stringify(rows)],
      );
    }
  }
}

function otherRequest(planned: Plan, plan: Plan): string | undefined {
  if (planned.bundle_sha256 !== plan.bundle_sha256) return "another bundle";
  if (planned.mode !== plan.mode) return `the mode ${planned.mode}`;
  if (JSON.stringify(planned.choices) !== JSON.stringify(plan.choices)) return "other choices";
  return undefined;
}

function summaryOf(moved: readonly MovedTable[]): string {
  if (moved.length === 0) return "its stored objects, or what its rows are matched with, are others";
  return moved.map(({ table, rows }) => `${rows} ${rows === 1 ? "row" : "rows"} of ${table}`).join(", ");
}

async function movedTables(
  sql: Sql,
  inputs: readonly PlanInput[],
  planned: Plan,
  plan: Plan,
  tables: EarlierPlan["tables"],
): Promise<MovedTable[]> {
  const moved: MovedTable[] = [];
  for (const input of inputs) {
    const countsOf = ({ tables }: Plan) => tables.find(({ table }) => table === input.table.key)?.outcomes ?? {};
    const { rows, samples } = tables === undefined ? { rows: 0, samples: [] } : await movedRows(sql, input, tables);
    const counts = { planned: countsOf(planned), now: countsOf(plan) };
    if (rows > 0 || !sameCounts(counts.planned, counts.now)) moved.push({ table: input.table.key, ...counts, rows, samples });
  }
  return moved;
}

function sameCounts(one: MovedTable["now"], other: MovedTable["now"]): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<Outcome>;
  return [...names].every((outcome) => (one[outcome] ?? 0) === (other[outcome] ?? 0));
}

async function movedRows(sql: Sql, input: PlanInput, tables: "plans" | "stamps"): Promise<Pick<MovedTable, "rows" | "samples">> {
  const { table } = input;
  const stamp = tables === "plans" ? stampSql : "p.stamp";
  const plain = "md5('insert:0')";
  const outcome = (alias: string, empty: boolean) => (empty ? `coalesce(${alias}.outcome, 'insert')` : `${alias}.outcome`);
  const key = table.catalog.primaryKey.map((name) => `coalesce(s.${quoteIdent(name)}::text, '')`).join(", ");
  const rows =
    await sql.unsafe(`select m._row::int4 as row, m.planned, m.now, to_json(array[${key}]) as key, m.total::int4 as total
    from (select _row, planned, now, count(*) over () as total from (
        select _row, ${outcome("o", input.earlierEmpty)} as planned, ${outcome("n", input.targetEmpty)} as now, 
          coalesce(o.stamp, case when ${input.earlierEmpty} then ${plain} end) as old_stamp,
          coalesce(n.stamp, case when ${input.targetEmpty} then ${plain} end) as new_stamp
        from (select p._row, p.outcome, ${stamp} as stamp from ${table.earlier} p where p.outcome <> 'delete') o
        full join (select p._row, p.outcome, ${stampSql} as stamp from ${table.plan} p where p.outcome <> 'delete') n using (_row)
      ) compared where planned is distinct from now or old_stamp <> new_stamp order by _row limit ${shown}) m
    join ${table.original} s using (_row) order by m._row`);
  const samples = rows.map((row) => ({ row: row["row"], key: row["key"], planned: row["planned"], now: row["now"] }));
  const deletes = input.mode === "replace" ? await movedDeletes(sql, input, stamp) : 0;
  return { rows: ((rows[0]?.["total"] as number | undefined) ?? 0) + deletes, samples };
}

/** Rows that only one of the plans deletes, or that are others now; their numbers say nothing. */
async function movedDeletes(sql: Sql, { table }: PlanInput, stamp: string): Promise<number> {
  const [row] =
    await sql.unsafe(`select greatest(count(*) filter (where o.stamp is null), count(*) filter (where n.stamp is null))::int4 as rows
    from (select ${stamp} as stamp from ${table.earlier} p where p.outcome = 'delete') o
    full join (select ${stampSql} as stamp from ${table.plan} p where p.outcome = 'delete') n using (stamp)`);
  return row!["rows"] as number;
}
