import { tablePath } from "../../engine/bundle/layout.ts";
import { collisionKey } from "../../engine/paths.ts";
import { describingColumns } from "./blob-sql.ts";
import { own } from "./own.ts";
import type { Scope, TableScope } from "./scope.ts";

/** Every way in which a declaration contradicts itself, with the place in it. */
export function contradictions(scope: Scope): string[] {
  const found = collisions(Object.keys(scope.tables));
  const options = new Set(Object.keys(scope.options));
  const needOption = (where: string, name: string | undefined) => {
    if (name !== undefined && !options.has(name)) found.push(`${where}: no option is named ${name}`);
  };
  needOption("settings", scope.settings?.option);
  for (const name of ["tenants", "files"])
    if (options.has(name)) found.push(`options.${name}: the name is taken: a request names ${name} by it`);
  found.push(...replaceContradictions(scope), ...tenantContradictions(scope), ...upgradeContradictions(scope));
  for (const [name, table] of Object.entries(scope.tables)) {
    if (own(scope.excludedTables, name) !== undefined) found.push(`${name}: both included and excluded`);
    needOption(name, table.option?.name);
    needOption(`${name}.blob`, table.blob?.option);
    found.push(...columnContradictions(name, table));
  }
  return found;
}

function replaceContradictions({ modes = [], replace, tables, excludedTables }: Scope): string[] {
  const isOffered = modes.includes("replace");
  if (isOffered !== (replace !== undefined))
    return ["replace: it says what a target in use is, for the mode replace, and goes with it"];
  const unknown = (replace?.occupiedBy ?? []).filter((name) => !own(tables, name) && own(excludedTables, name) === undefined);
  return unknown.map((name) => `replace.occupiedBy: ${name} is neither included nor excluded`);
}

function tenantContradictions({ tenants, tables }: Scope): string[] {
  if (tenants === undefined) return [];
  const table = own(tables, tenants.table);
  if (table === undefined) return [`tenants.table: ${tenants.table} is not an included table`];
  return [tenants.id, tenants.name].flatMap((name) =>
    name === undefined || table.columns.includes(name) ? [] : [`tenants: ${name} is not an included column of ${tenants.table}`],
  );
}

function upgradeContradictions({ upgrades = [], version }: Scope): string[] {
  return upgrades.flatMap(({ to }, i) => {
    if (to > version) return [`upgrades: the scope has version ${version}, and no steps lead beyond it to ${to}`];
    return i > 0 && to <= upgrades[i - 1]!.to
      ? [`upgrades: ${to} stands behind ${upgrades[i - 1]!.to}; each version once, in order`]
      : [];
  });
}

/** Entries of a bundle lie beside each other, also on systems that do not tell upper case from lower. */
function collisions(keys: readonly string[]): string[] {
  const paths = new Map<string, string>();
  return keys.flatMap((key) => {
    const path = collisionKey(tablePath(key));
    const other = paths.get(path);
    paths.set(path, key);
    return other === undefined ? [] : [`${key}: its entry in a bundle would be the same file as that of ${other}`];
  });
}

function columnContradictions(name: string, table: TableScope): string[] {
  const included = new Set(table.columns);
  const found: string[] = [];
  if (included.size !== table.columns.length) found.push(`${name}: a column is listed twice`);
  for (const column of Object.keys(table.excluded ?? {})) {
    if (included.has(column)) found.push(`${name}.${column}: both included and excluded`);
  }
  // Such a key would make a row of the ndjson container look like one of its control lines.
  for (const column of included)
    if (column.startsWith("$")) found.push(`${name}.${column}: a column whose name starts with $ cannot travel`);
  for (const column of table.rewriteOnImport ?? [])
    if (table.rewrite?.[column] === undefined) found.push(`${name}.rewriteOnImport: ${column} is not rewritten`);
  for (const column of included)
    if (/^_(row|absent|outcome|miss_\d+|key_\d+)$/.test(column))
      found.push(`${name}.${column}: an import uses this name for itself`);
  const { blob } = table;
  const references = {
    notSecret: Object.keys(table.notSecret ?? {}),
    rewrite: Object.keys(table.rewrite ?? {}),
    withoutKeys: Object.keys(table.withoutKeys ?? {}),
    metadata: table.metadata ?? [],
    importer: table.importer ?? [],
    naturalKey: table.naturalKey ?? [],
    tenant: table.tenant === undefined ? [] : [table.tenant],
    blob: blob === undefined ? [] : describingColumns(blob),
  };
  for (const [role, names] of Object.entries(references)) {
    for (const column of names) {
      if (!included.has(column)) found.push(`${name}.${role}: ${column} is not an included column`);
    }
  }
  return found;
}
