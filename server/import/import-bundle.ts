import { randomUUID } from "node:crypto";
import { BackupError } from "../../engine/errors.ts";
import type { ImportReport, Plan } from "../../engine/plan.ts";
import { migrate } from "../database/migrations.ts";
import type { Session } from "../database/session.ts";
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
import { type VerifiedBundle, type VerifyOptions, verifyButTables, verifyForImport } from "./verified-bundle.ts";

export type { ImportProgress, ImportRequest, PreviewRequest } from "./import-request.ts";

/**
 * The plan of an import: the whole of it but the last two steps. Changes neither the database nor the blob store: rows wait in
 * temporary tables of a session that is closed at the end.
 * @throws BackupError as `importBundle`
 */
export async function previewImport(request: PreviewRequest): Promise<Plan> {
  const early = await verifyEarly(request);
  if (early !== null) {
    let settled = false;
    const onVerifiable = async () => {
      await settle(request, early);
      settled = true;
    };
    try {
      return await planOf(request, early, onVerifiable);
    } catch (error) {
      if (settled || isOutage(error)) throw error;
      request.signal?.throwIfAborted();
    }
  }
  const verified = await verifyWhole(request);
  return planOf(request, verified, () => settle(request, verified));
}

async function planOf(request: PreviewRequest, verified: VerifiedBundle, onVerifiable: () => Promise<void>): Promise<Plan> {
  const keeper = request.keepIn === undefined ? undefined : await PlanKeeper.create(request.keepIn);
  try {
    return await inSession(request, async (session, abortable) => {
      const context = await prepareImport(
        session.sql,
        { ...abortable, choices: request.choices ?? {}, numbering: "tentative", onVerifiable, ...(keeper && { keeper }) },
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
    const early = abortable.mode === "replace" ? null : await verifyEarly(abortable);
    if (early !== null) {
      const journal = new Journal(request.sql, randomUUID());
      try {
        return await carryOut(session, abortable, early, journal);
      } catch (error) {
        if (journal.begun || isOutage(error)) throw error;
        abortable.signal?.throwIfAborted();
      }
      await session.sql.unsafe("discard temp");
    }
    return carryOut(session, abortable, await verifyWhole(abortable), new Journal(request.sql, randomUUID()));
  });
}

/** No bundle is the reason that the store does not answer; of the database's failures, one may be. */
function isOutage(error: unknown): boolean {
  return error instanceof BackupError && error.code === "IO_STORE_UNAVAILABLE";
}

/** Fails with anything, and without a trace, where the bundle turns out not to be valid before the journal has begun. */
async function carryOut(
  session: Session,
  request: ImportRequest,
  verified: VerifiedBundle,
  journal: Journal,
): Promise<ImportReport> {
  const begin = () => (journal.begun ? Promise.resolve() : beginJournal(request, verified, journal));
  if (verified.settle === undefined) await begin();
  try {
    const run = request.mode === "replace" ? runReplacement : runImport;
    return await withAftermath(session.sql, request, await run(session.sql, request, verified, journal, begin));
  } catch (error) {
    const committed = journal.begun ? await cleanUp(session, request, journal, error) : null;
    if (committed !== null) return committed;
    throw error;
  }
}

async function beginJournal(request: ImportRequest, verified: VerifiedBundle, journal: Journal): Promise<void> {
  await settle(request, verified);
  await journal.begin({
    scope: request.scope.name,
    mode: request.mode,
    importer: request.importer.email,
    bundleSha256: verified.sha256,
    store: request.store.description,
  });
}

/** From here on, the whole bundle is verified. */
async function settle(request: ImportRequest, verified: VerifiedBundle): Promise<void> {
  await verified.settle?.(request.signal);
  request.onVerified?.(verified.verification);
}

function verifyWhole(request: ImportRequest): Promise<VerifiedBundle> {
  assertOffered(request.scope, request.mode);
  return verifyForImport(request.bundle, request.scope, verifyOptions(request));
}

/**
 * What can be verified before the rows are read, where the rows can be verified as they are. Whatever goes wrong before `settle`, the
 * import begins anew with a bundle that was verified as a whole, or is refused for what that finds.
 */
function verifyEarly(request: ImportRequest): Promise<VerifiedBundle | null> {
  assertOffered(request.scope, request.mode);
  return verifyButTables(request.bundle, request.scope, verifyOptions(request));
}

function verifyOptions({ signal, pool, onProgress }: ImportRequest): VerifyOptions {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(pool === undefined ? {} : { pool }),
    onProgress: ({ bytesDone, bytesTotal, rows }) => onProgress?.({ phase: "verify", bytes: bytesDone, bytesTotal, rows }),
  };
}
