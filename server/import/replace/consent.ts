import { BackupError } from "../../../engine/errors.ts";
import type { Loss, Plan, ReplaceConsent } from "../../../engine/plan.ts";

/**
 * A replacement that deletes what is there, loses what no bundle holds, or locks everybody out, happens only where it was asked for
 * by name.
 * @throws BackupError `IMPORT_NOT_FRESH`, `IMPORT_LOSS` or `IMPORT_NO_ADMIN`, with the counts in its details.
 */
export function assertConsent({ replace, digest }: Plan, consent: Partial<ReplaceConsent> = {}): void {
  if (replace === undefined) return;
  const { occupied, lost, admins } = replace;
  const details = { replace, digest };
  if (Object.keys(occupied).length > 0 && consent.replace_existing !== true) {
    const held = Object.entries(occupied).map(([table, rows]) => `${rows} in ${table}`);
    const message = `the target is in use (rows: ${held.join(", ")}) and would be replaced; if that is meant, say replace_existing (--replace-existing)`;
    throw new BackupError("IMPORT_NOT_FRESH", message, details);
  }
  if (lost.length > 0 && consent.accept_loss !== true) {
    const message = `what no bundle holds would be lost: ${lost.map(lossText).join(", ")}; if that is meant, say accept_loss (--accept-loss)`;
    throw new BackupError("IMPORT_LOSS", message, details);
  }
  if (admins === 0 && consent.allow_no_admin !== true) {
    const message =
      "the target would have no active administrator: nobody could manage it; if that is meant, say allow_no_admin (--allow-no-admin)";
    throw new BackupError("IMPORT_NO_ADMIN", message, details);
  }
}

export function lossText({ table, what, column, rows }: Loss): string {
  if (what === "rows") return `${rows} ${rows === 1 ? "row" : "rows"} of ${table}`;
  return `${rows} ${what === "values" ? "values" : "references"} in ${table}.${column}`;
}
