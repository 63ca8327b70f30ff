import type { ImportChoices, TablePlan } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { ResolvedScope, ResolvedTable } from "../scope/resolve-scope.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";

/** The tables of a bundle whose rows are staged, parents first. */
export function enteringTables(scope: ResolvedScope, { manifest }: Bundle, choices: ImportChoices): ResolvedTable[] {
  return scope.tables.filter((table) => table.key in manifest.table_counts && whyOut(table, choices) === undefined);
}

/** Why a whole table stays out. */
export function whyOut({ key, scope }: ResolvedTable, { tables, user_map }: ImportChoices): string | undefined {
  if (scope.importNever !== undefined) return scope.importNever;
  if (tables?.includes(key) === false) return "the table was not asked for";
  return Object.keys(user_map).length > 0 ? undefined : scope.needsUserMapping;
}

export function notImported(scope: ResolvedScope, { bundle, verification }: VerifiedBundle, choices: ImportChoices): TablePlan[] {
  return scope.tables.flatMap((table) => {
    const reason = whyOut(table, choices);
    const rows = verification.rows[table.key];
    if (reason === undefined || rows === undefined || !(table.key in bundle.manifest.table_counts)) return [];
    return [
      {
        table: table.key,
        rows,
        outcomes: rows === 0 ? {} : { not_imported: rows },
        reassigned: 0,
        matched: 0,
        renumbered: 0,
        reference_cleared: {},
        dropped_columns: [],
        reason,
        samples: [],
      },
    ];
  });
}

export function strangeTables(scope: ResolvedScope, bundle: Bundle): string[] {
  const known = new Set(scope.tables.map((table) => table.key));
  return Object.keys(bundle.manifest.table_counts)
    .filter((table) => !known.has(table))
    .map((table) => `the table ${table} is not in this installation's scope and is left out`);
}
