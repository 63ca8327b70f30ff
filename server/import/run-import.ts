import type { Sql } from "postgres";
import type { ImportReport, Outcome, Plan } from "../../engine/plan.ts";
import type { CatalogTable } from "../database/catalog.ts";
import { quoteTable } from "../database/session.ts";
import { applyPlan } from "./apply.ts";
import { assertConfirmed, confirmedPlan } from "./confirmed-plan.ts";
import type { BlobDecision } from "./decide-blob.ts";
import { loadDirectly } from "./direct/load.ts";
import { NotDirect } from "./direct/not-direct.ts";
import type { ImportRequest } from "./import-request.ts";
import type { Journal } from "./journal.ts";
import { makePlan, type PlanContext } from "./make-plan.ts";
import { makeReport } from "./make-report.ts";
import { assertPlanned, type EarlierPlan, setAside } from "./moved-rows.ts";
import { prepareImport } from "./prepare-import.ts";
import { announceAftermath, announceSurplus, noteObjects } from "./replace/aftermath.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";
import { writeBlobs } from "./write-blobs.ts";

/** How often a transaction that PostgreSQL sacrifices to end a deadlock is tried. */
const attempts = 4;

/** Into an empty target straight from the bundle where that leads through, else by staging and a plan of every row. */
export async function runImport(
  sql: Sql,
  request: ImportRequest,
  verified: VerifiedBundle,
  journal: Journal,
): Promise<ImportReport> {
  const confirmed = await confirmedPlan(request);
  const run = { request, verified, journal, confirmed, decided: new Map(), written: new Set<string>() };
  if (confirmed?.plan === undefined || isPlain(confirmed.plan)) {
    try {
      return await carryOut(sql, { ...run, direct: true });
    } catch (error) {
      if (!(error instanceof NotDirect)) throw error;
    }
    await sql.unsafe("discard temp");
  }
  return carryOut(sql, { ...run, direct: false });
}

/** A plan with other rows than new ones is not that of an import that leads straight through. */
function isPlain({ tables }: Plan): boolean {
  const plain: readonly string[] = ["insert", "not_imported", "blob_missing"] satisfies Outcome[];
  return tables.every(({ outcomes, reference_cleared }) =>
    [...Object.keys(outcomes).map((outcome) => plain.includes(outcome)), Object.keys(reference_cleared).length === 0].every(
      Boolean,
    ),
  );
}

interface Run {
  request: ImportRequest;
  verified: VerifiedBundle;
  journal: Journal;
  confirmed: EarlierPlan | undefined;
  direct: boolean;
  /** What was decided and written when the import began the direct way. */
  decided: Map<string, BlobDecision[]>;
  written: Set<string>;
}

async function carryOut(sql: Sql, { request, verified, journal, confirmed, direct, ...objects }: Run): Promise<ImportReport> {
  const { decided, written } = objects;
  const startedAt = new Date().toISOString();
  const prepare = { ...request, choices: request.choices ?? {}, numbering: "drawn", direct, decided } as const;
  const context = await prepareImport(sql, prepare, verified);
  const wroteBefore = written.size > 0;
  for (const [table, decisions] of context.blobs) if (direct) decided.set(table, structuredClone(decisions));
  const isDirect = context.inputs.some((input) => input.direct !== undefined);
  const writesBlobs = [...context.blobs.values()].some((decisions) => decisions.some((decision) => decision.state === "write"));
  let earlier = confirmed;
  const failed: ImportReport["failed_blobs"] = [];
  if (writesBlobs) {
    request.onProgress?.({ phase: "plan" });
    let plan = await makePlan(sql, context);
    if (isDirect) assertSame(plan, earlier);
    else await assertConfirmed(sql, context.inputs, plan, earlier, request.keptPlan);
    failed.push(...(await writeAllBlobs(sql, request, context, journal, plan.blobs.bytes, written)));
    if (failed.length > 0) plan = await makePlan(sql, context);
    if (!isDirect) await setAside(sql, context.inputs);
    earlier = { digest: plan.digest, plan, tables: "plans" };
  }
  const load = async () => {
    await lockTables(sql, context);
    const plan = await loadDirectly(sql, request, context);
    assertSame(plan, earlier);
    return plan;
  };
  const planAndApply = async () => {
    const plan = await planUnderLock(sql, request, context);
    if (writesBlobs) await assertPlanned(sql, context.inputs, plan, earlier);
    else await assertConfirmed(sql, context.inputs, plan, earlier, request.keptPlan);
    request.onProgress?.({ phase: "apply" });
    // A merge that replaces a row's content leaves the object before behind.
    const replaces = context.inputs.some(
      ({ table }) => table.scope.blob !== undefined && plannedRowsOf(plan, table.key, "update") > 0,
    );
    if (replaces) await noteObjects(sql, request.scope);
    await applyPlan(sql, context.inputs, plan, (table) => request.onProgress?.({ phase: "apply", table }));
    if (replaces) await announceAftermath(sql, request.scope, journal.id, []);
    if (wroteBefore) await announceSurplus(sql, request.scope, journal.id, written);
    return plan;
  };
  return inTransaction(
    sql,
    async () => {
      const plan = await (isDirect ? load() : planAndApply());
      const report = await makeReport(sql, context, { plan, failed, startedAt, importId: journal.id });
      await journal.commit(sql, report);
      // Ending the session takes a moment, in which a commit would slip through.
      request.signal?.throwIfAborted();
      return report;
    },
    request.signal,
  );
}

function plannedRowsOf({ tables }: Plan, key: string, outcome: Outcome): number {
  return tables.find(({ table }) => table === key)?.outcomes[outcome] ?? 0;
}

/** What else has become of the plan, only the other way can say. */
function assertSame(plan: Plan, earlier: EarlierPlan | undefined): void {
  if (earlier !== undefined && earlier.digest !== plan.digest) throw new NotDirect("the plan is another one");
}

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

async function lockTables(sql: Sql, { inputs }: PlanContext, others: readonly CatalogTable[] = []): Promise<void> {
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

async function inOneTransaction<T>(sql: Sql, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  await sql.unsafe("begin");
  try {
    const result = await work();
    await sql.unsafe("commit");
    return result;
  } catch (error) {
    await rollback(sql, signal);
    throw error;
  }
}

/** A session that was lost in the middle of a COPY answers nothing any more, and PostgreSQL has rolled back by itself. */
async function rollback(sql: Sql, signal: AbortSignal | undefined): Promise<void> {
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted) resolve();
  else signal?.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([sql.unsafe("rollback").catch(() => {}), lost]);
}

export async function writeAllBlobs(
  sql: Sql,
  request: ImportRequest,
  context: PlanContext,
  journal: Journal,
  bytesTotal: number,
  written: Set<string> = new Set(),
) {
  const { bundle, pool, store, signal, onProgress } = request;
  const failed: ImportReport["failed_blobs"] = [];
  for (const input of context.inputs) {
    const decisions = context.blobs.get(input.table.key);
    if (decisions === undefined) continue;
    const progress = (done: { files: number; bytes: number }) => onProgress?.({ phase: "blobs", ...done, bytesTotal });
    const optional = { ...(signal && { signal }), ...(pool && { pool }) };
    const target = { sql, bundle, store, journal, written, onProgress: progress, ...optional };
    failed.push(...(await writeBlobs(input, decisions, target)));
  }
  return failed;
}
