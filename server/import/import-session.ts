import { BackupError } from "../../engine/errors.ts";
import { databaseError } from "../database/connect.ts";
import { openSession, type Session } from "../database/session.ts";
import type { ImportRequest } from "./import-request.ts";

/** `abortable` is the request, which also aborts when the session is lost: its lock and its tables went with it. */
export async function inSession<T>(
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

/**
 * PostgreSQL's own refusal of a row (a check, an exclusion), and another transaction in the way, are a conflict with the target;
 * the rest is the database's failure.
 */
export function asBackupError(error: unknown): unknown {
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
