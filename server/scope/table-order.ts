import { BackupError } from "../../engine/errors.ts";
import type { ResolvedForeignKey, ResolvedTable } from "./resolve-scope.ts";

/**
 * Tables in foreign-key order, parents first, otherwise as declared. A cycle is opened at keys that may be empty for a while
 * (nullable columns) or that PostgreSQL checks at commit (deferrable); those are marked `deferred`.
 */
export function orderTables(tables: ResolvedTable[]): ResolvedTable[] {
  const remaining = [...tables];
  const ordered: ResolvedTable[] = [];
  while (remaining.length > 0) {
    const waiting = new Set(remaining.map((table) => table.key));
    let next = remaining.find((table) => blockers(table, waiting).length === 0);
    if (next === undefined) {
      next = remaining.find((table) => blockers(table, waiting).every(canWait));
      if (next === undefined) throw tightCycle(remaining);
      for (const foreignKey of blockers(next, waiting)) foreignKey.deferred = true;
    }
    ordered.push(next);
    remaining.splice(remaining.indexOf(next), 1);
  }
  return ordered;
}

/** Keys to tables that are still to come; a self reference is satisfied within its own statement. */
function blockers(table: ResolvedTable, waiting: Set<string>): ResolvedForeignKey[] {
  return table.foreignKeys.filter((foreignKey) => foreignKey.parent !== table.key && waiting.has(foreignKey.parent));
}

function canWait(foreignKey: ResolvedForeignKey): boolean {
  return foreignKey.clearable.length > 0 || foreignKey.deferrable;
}

function tightCycle(tables: ResolvedTable[]): BackupError {
  const names = tables.map((table) => table.key).join(", ");
  return new BackupError(
    "SCHEMA_SCOPE",
    `the tables ${names} refer to each other in a circle of required foreign keys; make one of them deferrable or nullable`,
    { tables: tables.map((table) => table.key) },
  );
}
