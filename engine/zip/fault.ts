import { BackupError, type ErrorCode } from "../errors.ts";
import { printableName } from "../paths.ts";

/** A refusal of the archive: what was found and where. `advice` is what to do about it. */
export function zipFault(code: ErrorCode, found: string, offset: number, entry?: string, advice = repack): BackupError {
  const name = entry === undefined ? undefined : printableName(entry);
  const where = name === undefined ? `at byte ${offset}` : `entry "${name}" at byte ${offset}`;
  return new BackupError(code, `${where}: ${found}; ${advice}`, { offset, ...(name === undefined ? {} : { entry: name }) });
}

const repack =
  "the archive is damaged or was made to be read differently by different programs: obtain it again or pack its content anew";
export const unsupportedAdvice = "pack the content again as an ordinary ZIP (deflate or stored, no encryption)";
