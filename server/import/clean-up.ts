import type { ImportReport } from "../../engine/plan.ts";
import { openSession, type Session } from "../database/session.ts";
import { takeImportLock } from "./import-lock.ts";
import type { ImportRequest } from "./import-request.ts";
import { asBackupError } from "./import-session.ts";
import { type Journal, removeOrphans } from "./journal.ts";

/**
 * What the failed import wrote goes, under the lock; what cannot go now is the next import's to find.
 * @returns the report, where only the answer to the commit got lost.
 */
export async function cleanUp(
  session: Session,
  request: ImportRequest,
  journal: Journal,
  error: unknown,
): Promise<ImportReport | null> {
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
