import type { Sql } from "postgres";
import type { ImportReport, Plan } from "../../engine/plan.ts";
import type { CatalogTable } from "../database/catalog.ts";
import { quoteTable } from "../database/session.ts";
import { applyPlan } from "./apply.ts";
import { assertConfirmed, confirmedPlan } from "./confirmed-plan.ts";
import type { ImportRequest } from "./import-request.ts";
import type { Journal } from "./journal.ts";
import { makePlan, type PlanContext } from "./make-plan.ts";
import { makeReport } from "./make-report.ts";
import { assertPlanned, setAside } from "./moved-rows.ts";
import { prepareImport } from "./prepare-import.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";
import { writeBlobs } from "./write-blobs.ts";

/** How often a transaction that PostgreSQL sacrifices to end a deadlock is tried. */
const attempts = 4;

export async function runImport(
  sql: Sql,
  request: ImportRequest,
  verified: VerifiedBundle,
  journal: Journal,
): Promise<ImportReport> {
  const startedAt = new Date().toISOString();
  const context = await prepareImport(sql, { ...request, choices: request.choices ?? {}, numbering: "drawn" }, verified);
  const writesBlobs = [...context.blobs.values()].some((decisions) => decisions.some((decision) => decision.state === "write"));
  let earlier = await confirmedPlan(request);
  const failed: ImportReport["failed_blobs"] = [];
  if (writesBlobs) {
    request.onProgress?.({ phase: "plan" });
    let plan = await makePlan(sql, context);
    await assertConfirmed(sql, context.inputs, plan, earlier, request.keptPlan);
    failed.push(...(await writeAllBlobs(sql, request, context, journal, plan.blobs.bytes)));
    if (failed.length > 0) plan = await makePlan(sql, context);
    await setAside(sql, context.inputs);
    earlier = { digest: plan.digest, plan, tables: "plans" };
  }
  const apply = async () => {
    const plan = await planUnderLock(sql, request, context);
    if (writesBlobs) await assertPlanned(sql, context.inputs, plan, earlier);
    else await assertConfirmed(sql, context.inputs, plan, earlier, request.keptPlan);
    request.onProgress?.({ phase: "apply" });
    await applyPlan(sql, context.inputs, plan, (table) => request.onProgress?.({ phase: "apply", table }));
    const report = await makeReport(sql, context, { plan, failed, startedAt, importId: journal.id });
    await journal.commit(sql, report);
    // Ending the session takes a moment, in which a commit would slip through.
    request.signal?.throwIfAborted();
    return report;
  };
  return inTransaction(sql, apply);
}

/** Writers of the target's tables wait from here to the commit; readers do not. */
export async function planUnderLock(
  sql: Sql,
  request: ImportRequest,
  context: PlanContext,
  others: readonly CatalogTable[] = [],
): Promise<Plan> {
  const tables = [...context.inputs.map(({ table }) => table.catalog), ...others].map(quoteTable);
  await sql.unsafe("set local lock_timeout = '30s'");
  if (tables.length > 0) await sql.unsafe(`lock table ${tables.join(", ")} in share row exclusive mode`);
  request.onProgress?.({ phase: "plan" });
  return makePlan(sql, context);
}

/** A deadlock with the application's own writers is over once one side has given way. */
export async function inTransaction<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inOneTransaction(sql, work);
    } catch (error) {
      if ((error as { code?: string }).code !== "40P01" || attempt === attempts) throw error;
    }
  }
}

async function inOneTransaction<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.unsafe("begin");
  try {
    const result = await work();
    await sql.unsafe("commit");
    return result;
  } catch (error) {
    await sql.unsafe("rollback").catch(() => {});
    throw error;
  }
}

export async function writeAllBlobs(
  sql: Sql,
  request: ImportRequest,
  context: PlanContext,
  journal: Journal,
  bytesTotal: number,
) {
  const { bundle, pool, store, signal, onProgress } = request;
  const failed: ImportReport["failed_blobs"] = [];
  for (const input of context.inputs) {
    const decisions = context.blobs.get(input.table.key);
    if (decisions === undefined) continue;
    const progress = (done: { files: number; bytes: number }) => onProgress?.({ phase: "blobs", ...done, bytesTotal });
    const optional = { ...(signal && { signal }), ...(pool && { pool }) };
    failed.push(...(await writeBlobs(input, decisions, { sql, bundle, store, journal, onProgress: progress, ...optional })));
  }
  return failed;
}
