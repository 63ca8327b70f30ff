import type { Sql } from "postgres";
import type { ImportReport, Plan } from "../../../engine/plan.ts";
import type { Catalog, CatalogTable } from "../../database/catalog.ts";
import { assertConfirmed, confirmedPlan } from "../confirmed-plan.ts";
import { type BlobDecision, copied } from "../decide-blob.ts";
import { copyInput } from "../direct/load.ts";
import { asNotDirect, NotDirect } from "../direct/not-direct.ts";
import type { ImportRequest } from "../import-request.ts";
import { inTransaction, planUnderLock } from "../import-transaction.ts";
import type { Journal } from "../journal.ts";
import { makePlan, type PlanContext } from "../make-plan.ts";
import { makeReport } from "../make-report.ts";
import { assertPlanned, type EarlierPlan, setAside } from "../moved-rows.ts";
import { settledBlobs } from "../plan-blobs.ts";
import type { PlanInput } from "../plan-input.ts";
import { prepareImport } from "../prepare-import.ts";
import { writeAllBlobs } from "../run-import.ts";
import type { VerifiedBundle } from "../verified-bundle.ts";
import { announceAftermath, announceSurplus, noteObjects } from "./aftermath.ts";
import { assertConsent } from "./consent.ts";
import { assertShadows, buildShadows } from "./shadow.ts";
import { assertSwapped, swapTables } from "./swap.ts";

interface Run {
  request: ImportRequest;
  verified: VerifiedBundle;
  journal: Journal;
  startedAt: string;
  confirmed: EarlierPlan | undefined;
  /** What was decided and written when the import began the direct way. */
  decided: Map<string, BlobDecision[]>;
  written: Set<string>;
}

/**
 * The steps of an import behind its verification, in mode `replace`. Into a fresh target rows go straight where that leads through;
 * else: plan, consent, shadow tables and their count, blobs, the count again, and the swap in one transaction.
 * @throws BackupError as `importBundle`, and `IMPORT_NOT_FRESH`, `IMPORT_LOSS`, `IMPORT_NO_ADMIN`
 */
export async function runReplacement(
  sql: Sql,
  request: ImportRequest,
  verified: VerifiedBundle,
  journal: Journal,
): Promise<ImportReport> {
  const confirmed = await confirmedPlan(request);
  const startedAt = new Date().toISOString();
  const run = { request, verified, journal, startedAt, confirmed, decided: new Map(), written: new Set<string>() };
  try {
    const context = await prepare(sql, run, true);
    for (const [table, decisions] of context.blobs) run.decided.set(table, copied(decisions));
    const isDirect = context.inputs.some(({ direct }) => direct !== undefined);
    return await (isDirect ? fillFresh(sql, run, context) : swapShadows(sql, run, context));
  } catch (error) {
    if (!(error instanceof NotDirect)) throw error;
  }
  await sql.unsafe("discard temp");
  return swapShadows(sql, run, await prepare(sql, run, false));
}

function prepare(sql: Sql, { request, verified, decided }: Run, direct: boolean): Promise<PlanContext> {
  return prepareImport(sql, { ...request, choices: request.choices ?? {}, numbering: "drawn", direct, decided }, verified);
}

async function swapShadows(sql: Sql, run: Run, context: PlanContext): Promise<ImportReport> {
  const { request, journal, confirmed, written } = run;
  const { inputs } = context;
  request.onProgress?.({ phase: "plan" });
  let plan = await makePlan(sql, context);
  await assertConfirmed(sql, inputs, plan, confirmed, request.keptPlan);
  assertConsent(plan, request.consent);
  await buildShadows(sql, inputs, plan);
  const failed = await writeAllBlobs(sql, request, context, journal, plan.blobs.bytes, written);
  if (failed.length > 0) {
    plan = await makePlan(sql, context);
    await buildShadows(sql, inputs, plan);
  }
  await assertShadows(sql, inputs, plan);
  await setAside(sql, inputs);
  const earlier = { digest: plan.digest, plan, tables: "plans" as const };
  const work = async () => {
    const now = await planUnderLock(sql, request, context, dependents(inputs, context.replace!.catalog));
    await assertPlanned(sql, inputs, now, earlier);
    request.onProgress?.({ phase: "apply" });
    await noteObjects(sql, request.scope);
    await swapTables(sql, inputs, now, { onTable: (table) => request.onProgress?.({ phase: "apply", table }) });
    return finish(sql, run, context, now, failed);
  };
  return inTransaction(sql, work, request.signal);
}

/**
 * A fresh target is filled in one transaction, under the lock of its tables. They are their own shadows: PostgreSQL refuses a row before an object
 * is written, and rows are counted before and after that.
 * @throws NotDirect where a row or an object does not arrive
 */
async function fillFresh(sql: Sql, run: Run, context: PlanContext): Promise<ImportReport> {
  const { request, journal, confirmed, written } = run;
  const { inputs } = context;
  const staged = inputs.filter(({ direct }) => direct === undefined);
  const work = async () => {
    for (const input of inputs) if (input.direct !== undefined) input.direct = "awaited";
    // The transaction waits for the blob store.
    await sql.unsafe("set local idle_in_transaction_session_timeout = 0");
    const plan = await planUnderLock(sql, request, context, dependents(inputs, context.replace!.catalog));
    const isFresh = inputs.every(({ direct, targetEmpty }) => direct === undefined || targetEmpty);
    if (!isFresh || (confirmed !== undefined && confirmed.digest !== plan.digest)) throw new NotDirect("the plan is another one");
    assertConsent(plan, request.consent);
    await noteObjects(sql, request.scope);
    const onTable = (table: string) => request.onProgress?.({ phase: "apply", table });
    const copy = (input: PlanInput) => copyInput(sql, request, context, input);
    await buildShadows(sql, staged, plan).catch(notDirect);
    await swapTables(sql, inputs, plan, { onTable, copy }).catch(notDirect);
    const failed = await writeAllBlobs(sql, request, context, journal, plan.blobs.bytes, written);
    if (failed.length > 0) throw new NotDirect("an object could not be written");
    await assertSwapped(sql, inputs, plan).catch(notDirect);
    return finish(sql, run, context, plan, failed);
  };
  return inTransaction(sql, work, request.signal);
}

function notDirect(error: unknown): never {
  throw asNotDirect(error);
}

async function finish(
  sql: Sql,
  { request, journal, startedAt, written }: Run,
  context: PlanContext,
  plan: Plan,
  failed: ImportReport["failed_blobs"],
): Promise<ImportReport> {
  const decisions = await settledDecisions(sql, context);
  await announceAftermath(sql, request.scope, journal.id, decisions);
  const used = new Set(decisions.map(({ key }) => key));
  const surplus = [...written].filter((key) => !used.has(key));
  if (surplus.length > 0) await announceSurplus(sql, request.scope, journal.id, surplus);
  const report = await makeReport(sql, context, { plan, failed, startedAt, importId: journal.id });
  await journal.commit(sql, report);
  // Ending the session takes a moment, in which a commit would slip through.
  request.signal?.throwIfAborted();
  return report;
}

async function settledDecisions(sql: Sql, { inputs, blobs }: PlanContext): Promise<BlobDecision[]> {
  const settled: BlobDecision[] = [];
  for (const input of inputs) {
    const decisions = blobs.get(input.table.key);
    if (decisions !== undefined) settled.push(...(await settledBlobs(sql, input, decisions)));
  }
  return settled;
}

/** Tables that refer to those that are replaced: a row that comes to one of them meanwhile would go uncounted. */
function dependents(inputs: readonly PlanInput[], { tables }: Catalog): CatalogTable[] {
  const reached = new Set(inputs.map(({ table }) => table.key));
  const found: CatalogTable[] = [];
  for (let grew = true; grew; ) {
    grew = false;
    for (const table of tables.values()) {
      if (reached.has(table.key) || !table.foreignKeys.some(({ parent }) => reached.has(parent))) continue;
      reached.add(table.key);
      found.push(table);
      grew = true;
    }
  }
  return found;
}
