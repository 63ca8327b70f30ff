import type { Sql } from "postgres";
import type { Plan } from "../../../engine/plan.ts";
import { assertInserted, finishApply, insertPlanned } from "../apply.ts";
import type { ImportRequest } from "../import-request.ts";
import { isEmpty, type PlanContext, planTable, summarizePlan } from "../make-plan.ts";
import type { PlanInput } from "../plan-input.ts";
import { settleReferences } from "../plan-settle.ts";
import { copyTable } from "./copy-table.ts";
import { asNotDirect, NotDirect } from "./not-direct.ts";

/**
 * Fills an empty target within the caller's transaction, under the lock of its tables: parents first, each table by a COPY from the
 * bundle or from its staging table, which is planned when its parents are there.
 * @returns the plan that came of it, in which every row of the directly copied tables is inserted.
 * @throws NotDirect
 */
export async function loadDirectly(sql: Sql, request: ImportRequest, context: PlanContext): Promise<Plan> {
  const { inputs } = context;
  for (const input of inputs) {
    input.targetEmpty = await isEmpty(sql, input.table);
    if (!input.targetEmpty) throw new NotDirect(`${input.table.key} is empty no more`);
    if (input.direct !== undefined) input.direct = "awaited";
  }
  try {
    await sql.unsafe("set constraints all deferred");
    const loaded: number[] = [];
    for (const input of inputs) loaded.push(await loadTable(sql, request, context, input));
    if (await settleReferences(sql, inputs)) throw new NotDirect("a row without its parent was inserted");
    const plan = await summarizePlan(sql, context);
    for (const [i, input] of inputs.entries()) assertInserted(input, plan, loaded[i]!);
    await finishApply(sql, inputs, plan);
    return plan;
  } catch (error) {
    throw asNotDirect(error);
  }
}

/** @returns rows that the table has now. */
async function loadTable(sql: Sql, request: ImportRequest, context: PlanContext, input: PlanInput): Promise<number> {
  if (input.direct === undefined) {
    await planTable(sql, input);
    request.onProgress?.({ phase: "apply", table: input.table.key, rows: 0 });
    return insertPlanned(sql, input);
  }
  return copyInput(sql, request, context, input);
}

/**
 * Carries the rows of a directly copied table into it.
 * @returns how many.
 * @throws NotDirect
 */
export async function copyInput(sql: Sql, request: ImportRequest, context: PlanContext, input: PlanInput): Promise<number> {
  const { signal, onProgress } = request;
  const onRows = (rows: number) => onProgress?.({ phase: "apply", table: input.table.key, rows });
  onRows(0);
  input.staged = await copyTable(sql, context.bundle, input, { onRows, users: context.userIds, ...(signal && { signal }) });
  input.direct = "copied";
  return input.staged.rows;
}
