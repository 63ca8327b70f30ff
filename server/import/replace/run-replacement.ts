import type { Sql } from "postgres";
import type { ImportReport } from "../../../engine/plan.ts";
import type { Catalog, CatalogTable } from "../../database/catalog.ts";
import { assertConfirmed, confirmedPlan } from "../confirmed-plan.ts";
import type { BlobDecision } from "../decide-blob.ts";
import type { ImportRequest } from "../import-request.ts";
import { inTransaction, planUnderLock } from "../import-transaction.ts";
import type { Journal } from "../journal.ts";
import { makePlan, type PlanContext } from "../make-plan.ts";
import { makeReport } from "../make-report.ts";
import { assertPlanned, setAside } from "../moved-rows.ts";
import { settledBlobs } from "../plan-blobs.ts";
import type { PlanInput } from "../plan-input.ts";
import { prepareImport } from "../prepare-import.ts";
import { writeAllBlobs } from "../run-import.ts";
import type { VerifiedBundle } from "../verified-bundle.ts";
import { announceAftermath, noteObjects } from "./aftermath.ts";
import { assertConsent } from "./consent.ts";
import { assertShadows, buildShadows } from "./shadow.ts";
import { swapTables } from "./swap.ts";

/**
 * The steps of an import behind its verification, in mode `replace`: plan, consent, shadow tables and their count, blobs, the count again,
 * and the swap in one transaction.
 * @throws BackupError as `importBundle`, and `IMPORT_NOT_FRESH`, `IMPORT_LOSS`, `IMPORT_NO_ADMIN`
 */
export async function runReplacement(
  sql: Sql,
  request: ImportRequest,
  verified: VerifiedBundle,
  journal: Journal,
): Promise<ImportReport> {
  const startedAt = new Date().toISOString();
  const context = await prepareImport(sql, { ...request, choices: request.choices ?? {}, numbering: "drawn" }, verified);
  const { inputs } = context;
  const confirmed = await confirmedPlan(request);
  request.onProgress?.({ phase: "plan" });
  let plan = await makePlan(sql, context);
  await assertConfirmed(sql, inputs, plan, confirmed, request.keptPlan);
  assertConsent(plan, request.consent);
  await buildShadows(sql, inputs, plan);
  const failed = await writeAllBlobs(sql, request, context, journal, plan.blobs.bytes);
  if (failed.length > 0) {
    plan = await makePlan(sql, context);
    await buildShadows(sql, inputs, plan);
  }
  await assertShadows(sql, inputs, plan);
  await setAside(sql, inputs);
  const earlier = { digest: plan.digest, plan, tables: "plans" as const };
  return inTransaction(
    sql,
    async () => {
      const now = await planUnderLock(sql, request, context, dependents(inputs, context.replace!.catalog));
      await assertPlanned(sql, inputs, now, earlier);
      request.onProgress?.({ phase: "apply" });
      await noteObjects(sql, request.scope);
      await swapTables(sql, inputs, now, (table) => request.onProgress?.({ phase: "apply", table }));
      await announceAftermath(sql, request.scope, journal.id, await settledDecisions(sql, context));
      const report = await makeReport(sql, context, { plan: now, failed, startedAt, importId: journal.id });
      await journal.commit(sql, report);
      // Ending the session takes a moment, in which a commit would slip through.
      request.signal?.throwIfAborted();
      return report;
    },
    request.signal,
  );
}

async function settledDecisions(sql: Sql, { inputs, blobs }: PlanContext): Promise<BlobDecision[]> {
  const settled: BlobDecision[] = [];
  for (const input of inputs) settled.push(...(await settledBlobs(sql, input, blobs.get(input.table.key) ?? [])));
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
