import type { Sql } from "postgres";
import type { Plan } from "../../engine/plan.ts";
import type { CatalogTable } from "../database/catalog.ts";
import { quoteTable } from "../database/session.ts";
import { inOneTransaction } from "../database/transaction.ts";
import type { ImportRequest } from "./import-request.ts";
import { makePlan, type PlanContext } from "./make-plan.ts";

/** How often a transaction that PostgreSQL sacrifices to end a deadlock is tried. */
const attempts = 4;

/** Writers of the target's tables wait from here to the commit; readers do not. */
export async function planUnderLock(
  sql: Sql,
  request: ImportRequest,
  context: PlanContext,
  others: readonly CatalogTable[] = [],
): Promise<Plan> {
  await lockTables(sql, context, others);
  request.onProgress?.({ phase: "plan" });
  return makePlan(sql, context);
}

export async function lockTables(sql: Sql, { inputs }: PlanContext, others: readonly CatalogTable[] = []): Promise<void> {
  const tables = [...inputs.map(({ table }) => table.catalog), ...others].map(quoteTable);
  await sql.unsafe("set local lock_timeout = '30s'");
  if (tables.length > 0) await sql.unsafe(`lock table ${tables.join(", ")} in share row exclusive mode`);
}

/** A deadlock with the application's own writers is over once one side has given way. */
export async function inTransaction<T>(sql: Sql, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inOneTransaction(sql, work, signal);
    } catch (error) {
      if ((error as { code?: string }).code !== "40P01" || attempt === attempts) throw error;
    }
  }
}
