import type { ImportProgress } from "../import/import-bundle.ts";
import type { ProgressState } from "./progress-line.ts";

/** What an import or its preview reports, for the progress line. */
export function importState({ phase, table, rows, files, bytes, bytesTotal }: ImportProgress): ProgressState {
  const fraction = bytes !== undefined && bytesTotal ? { fraction: bytes / bytesTotal } : {};
  return { phase, item: table, rows, files, bytes, ...fraction };
}
