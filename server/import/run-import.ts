import type { Sql } from "postgres";
import type { ImportReport, Outcome, Plan } from "../../engine/plan.ts";
import { applyPlan } from "./apply.ts";
import { assertConfirmed, confirmedPlan } from "./confirmed-plan.ts";
import { type BlobDecision, copied } from "./decide-blob.ts";
import { loadDirectly } from "./direct/load.ts";
import { NotDirect } from "./direct/not-direct.ts";
import type { ImportRequest } from "./import-request.ts";
import { inTransaction, lockTables, planUnderLock } from "./import-transaction.ts";
import type { Journal } from "./journal.ts";
import { makePlan, type PlanContext } from "./make-plan.ts";
import { makeReport } from "./make-report.ts";
import { assertPlanned, type EarlierPlan, setAside } from "./moved-rows.ts";
import { prepareImport } from "./prepare-import.ts";
import { announceAftermath, announceSurplus, noteObjects } from "./replace/aftermath.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";
import { writeBlobs } from "./write-blobs.ts";

/**
 * Into an empty target straight from the bundle where that leads through, else by staging and a plan of every row.
 * @param begin is called before anything is done that outlives a rollback.
 */
export async function runImport(
  sql: Sql,
  request: ImportRequest,
  verified: VerifiedBundle,
  journal: Journal,
  begin: () => Promise<void>,
): Promise<ImportReport> {
  const confirmed = await confirmedPlan(request);
  const run = { request, verified, journal, begin, confirmed, decided: new Map(), written: new Set<string>() };
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
  begin: () => Promise<void>;
  confirmed: EarlierPlan | undefined;
  direct: boolean;
  /** What was decided and written when the import began the direct way. */
  decided: Map<string, BlobDecision[]>;
  written: Set<string>;
}

async function carryOut(sql: Sql, run: Run): Promise<ImportReport> {
  const { request, verified, journal, begin, direct, decided, written } = run;
  const startedAt = new Date().toISOString();
  const prepare = {
    ...request,
    choices: request.choices ?? {},
    numbering: "drawn",
    direct,
    decided,
    onVerifiable: begin,
  } as const;
  const context = await prepareImport(sql, prepare, verified);
  const wroteBefore = written.size > 0;
  for (const [table, decisions] of context.blobs) if (direct) decided.set(table, copied(decisions));
  const objects = writesObjects(context) ? await writeObjects(sql, run, context) : undefined;
  const work = async () => {
    const plan = await (isDirect(context) ? load(sql, run, context, objects) : planAndApply(sql, run, context, objects));
    if (wroteBefore) await announceSurplus(sql, request.scope, journal.id, written);
    const report = await makeReport(sql, context, { plan, failed: objects?.failed ?? [], startedAt, importId: journal.id });
    await journal.commit(sql, report);
    // Ending the session takes a moment, in which a commit would slip through.
    request.signal?.throwIfAborted();
    return report;
  };
  return inTransaction(sql, work, request.signal);
}

/** The plan by which objects were written, and those that could not be. */
interface WrittenObjects {
  earlier: EarlierPlan;
  failed: ImportReport["failed_blobs"];
}

function writesObjects({ blobs }: PlanContext): boolean {
  return [...blobs.values()].some((decisions) => decisions.some(({ state }) => state === "write"));
}

function isDirect({ inputs }: PlanContext): boolean {
  return inputs.some(({ direct }) => direct !== undefined);
}

async function writeObjects(sql: Sql, run: Run, context: PlanContext): Promise<WrittenObjects> {
  const { request, journal, confirmed, written } = run;
  request.onProgress?.({ phase: "plan" });
  let plan = await makePlan(sql, context);
  if (isDirect(context)) assertSame(plan, confirmed);
  else await assertConfirmed(sql, context.inputs, plan, confirmed, request.keptPlan);
  const failed = await writeAllBlobs(sql, request, context, journal, plan.blobs.bytes, written);
  if (failed.length > 0) plan = await makePlan(sql, context);
  if (!isDirect(context)) await setAside(sql, context.inputs);
  return { earlier: { digest: plan.digest, plan, tables: "plans" }, failed };
}

async function load(sql: Sql, { request, confirmed }: Run, context: PlanContext, objects?: WrittenObjects): Promise<Plan> {
  await lockTables(sql, context);
  const plan = await loadDirectly(sql, request, context);
  assertSame(plan, objects?.earlier ?? confirmed);
  return plan;
}

async function planAndApply(sql: Sql, run: Run, context: PlanContext, objects?: WrittenObjects): Promise<Plan> {
  const { request, journal, confirmed } = run;
  const { inputs } = context;
  const plan = await planUnderLock(sql, request, context);
  if (objects !== undefined) await assertPlanned(sql, inputs, plan, objects.earlier);
  else await assertConfirmed(sql, inputs, plan, confirmed, request.keptPlan);
  request.onProgress?.({ phase: "apply" });
  // A merge that replaces a row's content leaves the object before behind.
  const replaces = inputs.some(({ table }) => table.scope.blob !== undefined && plannedRowsOf(plan, table.key, "update") > 0);
  if (replaces) await noteObjects(sql, request.scope);
  await applyPlan(sql, inputs, plan, (table) => request.onProgress?.({ phase: "apply", table }));
  if (replaces) await announceAftermath(sql, request.scope, journal.id, []);
  return plan;
}

function plannedRowsOf({ tables }: Plan, key: string, outcome: Outcome): number {
  return tables.find(({ table }) => table === key)?.outcomes[outcome] ?? 0;
}

/** What else has become of the plan, only the other way can say. */
function assertSame(plan: Plan, earlier: EarlierPlan | undefined): void {
  if (earlier !== undefined && earlier.digest !== plan.digest) throw new NotDirect("the plan is another one");
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
