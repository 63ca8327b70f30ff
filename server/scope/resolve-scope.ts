import { createHash } from "node:crypto";
import { BackupError } from "../../engine/errors.ts";
import type { Catalog, CatalogColumn, CatalogTable, ForeignKey } from "../database/catalog.ts";
import { checkScope } from "./check-scope.ts";
import type { Scope, TableScope } from "./define-scope.ts";
import { own } from "./own.ts";
import { orderTables } from "./table-order.ts";

/** A scope beside the live catalog: what export and import work from. */
export interface ResolvedScope {
  scope: Scope;
  /** Parents first; a cycle is opened at `deferred` keys. */
  tables: ResolvedTable[];
  /** SHA-256 of what the scope lets out, in lowercase hex: two installations with the same one fit without a look. */
  fingerprint: string;
}

export interface ResolvedTable {
  key: string;
  scope: TableScope;
  catalog: CatalogTable;
  /** Included columns in the scope's order. */
  columns: CatalogColumn[];
  foreignKeys: ResolvedForeignKey[];
}

export interface ResolvedForeignKey extends ForeignKey {
  /** The parent table enters, too, so that a parent may be in the bundle. */
  parentEnters: boolean;
  /** Columns that may be emptied when the parent is missing; empty where the row cannot do without it. */
  clearable: string[];
  /** Points forward in a cycle: inserted empty, filled when its parent is there. */
  deferred: boolean;
}

/**
 * @throws BackupError `SCHEMA_SCOPE` with every problem where the scope does not fit the database.
 */
export function resolveScope(scope: Scope, catalog: Catalog): ResolvedScope {
  const problems = checkScope(scope, catalog);
  if (problems.length > 0) {
    const shown = problems.slice(0, 5).map((problem) => problem.message);
    const more = problems.length > shown.length ? ` (and ${problems.length - shown.length} more)` : "";
    throw new BackupError(
      "SCHEMA_SCOPE",
      `the scope ${scope.name} does not fit this database: ${shown.join("; ")}${more}; run \`holdall scope check\``,
      { problems },
    );
  }
  const tables = Object.entries(scope.tables).map(([key, table]) => resolveTable(scope, key, table, catalog.tables.get(key)!));
  return { scope, tables: orderTables(tables), fingerprint: fingerprint(scope) };
}

function resolveTable(scope: Scope, key: string, table: TableScope, catalog: CatalogTable): ResolvedTable {
  const byName = new Map(catalog.columns.map((column) => [column.name, column]));
  const columns = table.columns.map((name) => byName.get(name)!);
  const foreignKeys = catalog.foreignKeys
    .filter((foreignKey) => foreignKey.columns.every((column) => table.columns.includes(column)))
    .map((foreignKey) => ({
      ...foreignKey,
      parentEnters: enters(scope, foreignKey.parent),
      clearable: foreignKey.columns.filter((column) => !byName.get(column)!.notNull),
      deferred: false,
    }));
  // Without a prototype, so that a look-up by a column's name finds nothing but rewrites.
  const rewrite: Record<string, string> = Object.assign(Object.create(null), table.rewrite);
  return { key, scope: { ...table, rewrite }, catalog, columns, foreignKeys };
}

/** Rows of the table enter an installation. */
export function enters(scope: Scope, key: string): boolean {
  const table = own(scope.tables, key);
  return table !== undefined && table.importNever === undefined;
}

function fingerprint(scope: Scope): string {
  const parts = Object.entries(scope.tables)
    .map(([key, table]) => [
      key,
      [...table.columns].sort(),
      table.where ?? null,
      table.rewrite ?? null,
      ...(table.withoutKeys === undefined ? [] : [table.withoutKeys]),
    ])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([scope.name, scope.version, parts]))
    .digest("hex");
}
