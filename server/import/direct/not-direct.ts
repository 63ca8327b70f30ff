import { BackupError } from "../../../engine/errors.ts";

/**
 * The direct way does not lead through: a row that the plan would treat apart, or a value that PostgreSQL refuses. The import
 * begins anew by staging, which says exactly what is the matter.
 */
export class NotDirect extends Error {
  override readonly name = "NotDirect";
}

/** The refusal of a row, or of a plan that did not come true, as a reason to go the other way; anything else as it is. */
export function asNotDirect(error: unknown): unknown {
  const isPlanned = error instanceof BackupError && error.code === "IMPORT_PLAN_CHANGED";
  return isPlanned || isRefusedRow(error) ? new NotDirect(String(error), { cause: error }) : error;
}

/** What PostgreSQL says of a row, or the database's own rules of a row; anything else fails the staged way as well. */
export function isRefusedRow(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^(22|23)/.test(code);
}
