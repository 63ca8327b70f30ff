import { randomUUID } from "node:crypto";
import type { ImportReport, Plan } from "../../engine/plan.ts";
import { migrate } from "../database/migrations.ts";
import { assertOffered } from "./choices.ts";
import { cleanUp } from "./clean-up.ts";
import { takeImportLock } from "./import-lock.ts";
import type { ImportRequest, PreviewRequest } from "./import-request.ts";
import { inSession } from "./import-session.ts";
import { Journal, removeOrphans } from "./journal.ts";
import { PlanKeeper } from "./kept/keep-plan.ts";
import { makePlan } from "./make-plan.ts";
import { prepareImport } from "./prepare-import.ts";
import { finishAftermath, withAftermath } from "./replace/aftermath.ts";
import { runReplacement } from "./replace/run-replacement.ts";
import { runImport } from "./run-import.ts";
import { type VerifiedBundle, verifyForImport } from "./verified-bundle.ts";

export type { ImportProgress, ImportRequest, PreviewRequest } from "./import-request.ts";

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
 * `IMPORT_CONFLICT`, in mode `replace` also `IMPORT_NOT_FRESH`, `IMPORT_LOSS` and `IMPORT_NO_ADMIN`; `IO_STORE_UNAVAILABLE`, `IO_DATABASE`.
 */
export async function importBundle(request: ImportRequest): Promise<ImportReport> {
  return inSession(request, async (session, abortable) => {
    await takeImportLock(session.sql);
    await migrate(session.sql, session.lost);
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
      const run = request.mode === "replace" ? runReplacement : runImport;
      return await withAftermath(session.sql, abortable, await run(session.sql, abortable, verified, journal));
    } catch (error) {
      const committed = await cleanUp(session, abortable, journal, error);
      if (committed !== null) return committed;
      throw error;
    }
  });
}

async function verify(request: ImportRequest): Promise<VerifiedBundle> {
  assertOffered(request.scope, request.mode);
  const { signal, pool, onProgress } = request;
  const verified = await verifyForImport(request.bundle, request.scope, {
    ...(signal === undefined ? {} : { signal }),
    ...(pool === undefined ? {} : { pool }),
    onProgress: ({ bytesDone, bytesTotal, rows }) => onProgress?.({ phase: "verify", bytes: bytesDone, bytesTotal, rows }),
  });
  request.onVerified?.(verified.verification);
  return verified;
}
