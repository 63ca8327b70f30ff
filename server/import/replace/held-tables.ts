import type { Bundle } from "../../../engine/read-bundle.ts";
import type { ResolvedScope, ResolvedTable } from "../../scope/resolve-scope.ts";

/**
 * The tables of the scope that a bundle does not hold, with the reason: a replacement leaves them alone. A table that its export
 * left empty, because its option was off, says nothing of the rows that are here.
 */
export function keptTables({ tables }: ResolvedScope, { manifest }: Bundle): Record<string, string> {
  const reasons = tables.flatMap((table) => {
    const reason = whyKept(table, manifest);
    return reason === undefined ? [] : [[table.key, reason] as const];
  });
  return Object.fromEntries(reasons);
}

function whyKept({ key, scope: { option, importNever } }: ResolvedTable, manifest: Bundle["manifest"]): string | undefined {
  if (importNever !== undefined) return importNever;
  if (!Object.hasOwn(manifest.table_counts, key)) return "the bundle does not have the table";
  const isOff = option?.off === "empty" && manifest.options[option.name] !== true && manifest.table_counts[key] === 0;
  return isOff ? `the bundle was exported without it (${option.name}=false)` : undefined;
}
