import { randomUUID } from "node:crypto";
import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { ConflictMode, ImportChoices, ImportReport, Plan, ReplaceConsent } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { Verification } from "../../engine/verify-bundle.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { CatalogTable } from "../database/catalog.ts";
import { databaseError } from "../database/connect.ts";
import { migrate } from "../database/migrations.ts";
import { openSession, quoteTable, type Session } from "../database/session.ts";
import type { Scope } from "../scope/define-scope.ts";
import { applyPlan } from "./apply.ts";
import { assertConfirmed, confirmedPlan } from "./confirmed-plan.ts";
import { takeImportLock } from "./import-lock.ts";
import type { Importer } from "./importer.ts";
import { Journal, removeOrphans } from "./journal.ts";
import { PlanKeeper } from "./kept/keep-plan.ts";
import { makePlan, type PlanContext } from "./make-plan.ts";
import { assertPlanned, setAside } from "./moved-rows.ts";
import { skippedRows } from "./plan-summary.ts";
import { prepareImport } from "./prepare-import.ts";
import { finishAftermath } from "./replace/aftermath.ts";
import { runReplacement } from "./replace/run-replacement.ts";
import { type VerifiedBundle, verifyForImport } from "./verified-bundle.ts";
import { writeBlobs } from "./write-blobs.ts";

export interface ImportRequest {
  sql: Sql;
  store: BlobStore;
  scope: Scope;
  bundle: Bundle;
  mode: ConflictMode;
  importer: Importer;
  choices?: Partial<ImportChoices>;
  /** What mode `replace` may do; it refuses what it was not told. */
  consent?: Partial<ReplaceConsent>;
  /** The digest of the plan that the admin confirmed: another one is refused. */
  planDigest?: string;
  /** The folder in which a preview kept that plan: a refusal can then say what moved. */
  keptPlan?: string;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
  /** Gets what was found, warnings among it, of a bundle that is valid. */
  onVerified?: (verification: Verification) => void;
}

export interface PreviewRequest extends ImportRequest {
  /** A folder that is not there yet: it will hold the plan's rows, for `PlanReader`, once the preview has succeeded. */
  keepIn?: string;
}

export interface ImportProgress {
  phase: "verify" | "stage" | "plan" | "blobs" | "apply";
  table?: string;
  rows?: number;
  files?: number;
  /** Uncompressed bytes. */
  bytes?: number;
  bytesTotal?: number;
}

/** How often a transaction that PostgreSQL sacrifices to end a deadlock is tried. */
const attempts = 4;

/** At most this many skipped rows are listed in a report; all of them are counted. */
const listedRows = 10_000;

/**
 * The plan of an import: the whole of it but the last two steps. Changes neither the database nor the blob store: rows wait in
 * temporary tables of a session that is closed at the end.
 * @throws BackupError as `importBundle`
 */
export async function previewImport(request: PreviewRequest): Promise<Plan> {
  const verified = await verify(request);
  const keeper = request.keepIn === undefined ? undefined : await PlanKeeper.create(request.keepIn);
  try {
    return await inSession(request, async (session, abortable) => {
      const context = await prepareImport(
        session.sql,
        { ...abortable, choices: request.choices ?? {}, numbering: "tentative", ...(keeper && { keeper }) },
        verified,
      );
      request.onProgress?.({ phase: "plan" });
      const plan = await makePlan(session.sql, context);
      await keeper?.keep(session.sql, context.inputs, plan);
      return plan;
    });
  } catch (error) {
    await keeper?.remove();
    throw error;
  }
}

/**
 * Imports a bundle: verify, stage, plan, blobs, apply, report. All or nothing: after a failure the database is as before, and
 * objects that were written are removed, at once or, when the process dies, by the next import.
 * @throws BackupError with the code of what is wrong with the bundle; `SCHEMA_SCOPE`, `IMPORT_LOCKED`, `IMPORT_PLAN_CHANGED`,
 * `IMPORT_CONFLICT`, `IO_STORE_UNAVAILABLE`, `IO_DATABASE`.
 */
export async function importBundle(request: ImportRequest): Promise<ImportReport> {
  return inSession(request, async (session, abortable) => {
    await takeImportLock(session.sql);
    await migrate(session.sql);
    await removeOrphans(session.sql, request.store, request.scope);
    await finishAftermath(session.sql, request.store, request.scope);
    const verified = await verify(abortable);
    const journal = new Journal(request.sql, randomUUID());
    await journal.begin({
      scope: request.scope.name,
      mode: request.mode,
      importer: request.importer.email,
      bundleSha256: verified.sha256,
      store: request.store.description,
    });
    try {
      const report = await runImport(session.sql, abortable, verified, journal);
      return request.mode === "replace" ? await withAftermath(session.sql, abortable, report) : report;
    } catch (error) {
      const committed = await cleanUp(session, abortable, journal, error);
      if (committed !== null) return committed;
      throw error;
    }
  });
}

async function verify(request: ImportRequest): Promise<VerifiedBundle> {
  const { signal, onProgress } = request;
  const verified = await verifyForImport(request.bundle, request.scope, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ bytesDone, bytesTotal, rows }) => onProgress?.({ phase: "verify", bytes: bytesDone, bytesTotal, rows }),
  });
  request.onVerified?.(verified.verification);
  return verified;
}

/** `abortable` is the request, which also aborts when the session is lost: its lock and its tables went with it. */
async function inSession<T>(
  request: ImportRequest,
  work: (session: Session, abortable: ImportRequest) => Promise<T>,
): Promise<T> {
  const session = await openSession(request.sql).catch((cause) => {
    throw databaseError(cause);
  });
  const onAbort = () => void session.end().catch(() => {});
  request.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    request.signal?.throwIfAborted();
    const signal = AbortSignal.any([session.lost, ...(request.signal === undefined ? [] : [request.signal])]);
    return await work(session, { ...request, signal });
  } catch (error) {
    request.signal?.throwIfAborted();
    throw asBackupError(error);
  } finally {
    request.signal?.removeEventListener("abort", onAbort);
    await session.end();
  }
}

async function runImport(sql: Sql, request: ImportRequest, verified: VerifiedBundle, journal: Journal): Promise<ImportReport> {
  const startedAt = new Date().toISOString();
  const context = await prepareImport(sql, { ...request, choices: request.choices ?? {}, numbering: "drawn" }, verified);
  if (context.replace !== undefined) return runReplacement(sql, request, context, journal);
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

/** The import has committed: what fails from here on is left to the next one. */
async function withAftermath(sql: Sql, { store, scope, onProgress }: ImportRequest, report: ImportReport): Promise<ImportReport> {
  onProgress?.({ phase: "apply" });
  const pending = await finishAftermath(sql, store, scope).catch(() => 1);
  return pending === 0 ? report : { ...report, pending_objects: pending };
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
  const { bundle, store, signal, onProgress } = request;
  const failed: ImportReport["failed_blobs"] = [];
  for (const input of context.inputs) {
    const decisions = context.blobs.get(input.table.key);
    if (decisions === undefined) continue;
    const progress = (done: { files: number; bytes: number }) => onProgress?.({ phase: "blobs", ...done, bytesTotal });
    const abort = signal === undefined ? {} : { signal };
    failed.push(...(await writeBlobs(input, decisions, { sql, bundle, store, journal, onProgress: progress, ...abort })));
  }
  return failed;
}

export async function makeReport(
  sql: Sql,
  context: PlanContext,
  done: { plan: Plan; failed: ImportReport["failed_blobs"]; startedAt: string; importId: string },
): Promise<ImportReport> {
  const skipped: ImportReport["skipped"] = [];
  for (const input of context.inputs) {
    const rows = await skippedRows(sql, input, listedRows - skipped.length);
    skipped.push(...rows.map((row) => ({ table: input.table.key, ...row })));
  }
  return {
    import_id: done.importId,
    plan: done.plan,
    failed_blobs: done.failed,
    skipped,
    skipped_truncated: skipped.length >= listedRows,
    started_at: done.startedAt,
    finished_at: new Date().toISOString(),
  };
}

/**
 * What the failed import wrote goes, under the lock; what cannot go now is the next import's to find.
 * @returns the report, where only the answer to the commit got lost.
 */
async function cleanUp(session: Session, request: ImportRequest, journal: Journal, error: unknown): Promise<ImportReport | null> {
  const { code, message } = asBackupError(error) as { code?: string; message?: string };
  const { sql, store, scope, signal } = request;
  try {
    if (!signal?.aborted) {
      const committed = await journal.fail({ code: code ?? "ABORTED", message: message ?? String(error) });
      if (committed === null) await removeOrphans(sql, store, scope);
      return committed;
    }
    // Its connection is gone, and with it the lock, which another import may have taken by now.
    await session.end();
    const committed = await journal.fail({ code: code ?? "ABORTED", message: message ?? String(error) });
    if (committed === null) await removeOrphansLocked(request);
    return committed;
  } catch {
    return null;
  }
}

async function removeOrphansLocked({ sql, store, scope }: ImportRequest): Promise<void> {
  const session = await openSession(sql);
  try {
    await takeImportLock(session.sql);
    await removeOrphans(session.sql, store, scope);
  } finally {
    await session.end();
  }
}

/**
 * PostgreSQL's own refusal of a row (a check, an exclusion), and another transaction in the way, are a conflict with the target;
 * the rest is the database's failure.
 */
function asBackupError(error: unknown): unknown {
  const { code, constraint_name, table_name, message } = (error ?? {}) as Record<string, string | undefined>;
  if (error instanceof BackupError || code === undefined || !(error instanceof Error)) return error;
  const inTheWay = code.startsWith("40") || code === "55P03";
  if (!code.startsWith("23") && !inTheWay) return databaseError(error);
  const what = inTheWay ? "another transaction was in the way" : `PostgreSQL refused a row of ${table_name ?? "the bundle"}`;
  return new BackupError(
    "IMPORT_CONFLICT",
    `${what}: ${message}; nothing was changed${inTheWay ? ": try again" : ""}`,
    { ...(table_name === undefined ? {} : { table: table_name }), ...(inTheWay ? {} : { constraint: constraint_name }) },
    { cause: error },
  );
}
