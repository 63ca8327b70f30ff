import type { Catalog, CatalogColumn, CatalogTable } from "../database/catalog.ts";
import type { Scope, TableScope } from "./define-scope.ts";
import { own } from "./own.ts";
import { tenantCondition } from "./tenants.ts";

/** One disagreement between a scope and the live catalog. */
export interface ScopeProblem {
  kind:
    | "table_unclassified"
    | "table_missing"
    | "column_unclassified"
    | "column_missing"
    | "column_generated"
    | "key_missing"
    | "likely_secret"
    | "tenant_unknown"
    | "keys_not_jsonb"
    | "unconfirmed";
  table: string;
  column?: string;
  message: string;
  /** The line to paste into the declaration, to be completed by a person. */
  paste?: string;
}

const secretName =
  /(^|_)(password|passwd|pwd|secret|token|api_?key|apikey|private_?key|credential|credentials|salt|hash|otp|totp|mfa|cookie|session|bearer|signature|access_?key|encryption_?key|recovery)(_|s?$)/i;

export function looksSecret(column: string): boolean {
  return secretName.test(column);
}

/** Begins the reasons of a drafted scope that nobody has read yet. */
export const unconfirmed = "CONFIRM:";

/**
 * Every table and every column of the database is included, or excluded with a reason, and nothing that looks like a secret
 * is included unless the scope says why it is none. Gives every problem, in a stable order.
 */
export function checkScope(scope: Scope, catalog: Catalog): ScopeProblem[] {
  const problems: ScopeProblem[] = unconfirmedReasons(scope);
  for (const table of catalog.tables.values()) {
    const declared = own(scope.tables, table.key);
    if (declared !== undefined) problems.push(...checkTable(table, declared), ...checkTenant(scope, catalog, table.key));
    else if (own(scope.excludedTables, table.key) === undefined) problems.push(unclassifiedTable(table));
  }
  for (const key of [...Object.keys(scope.tables), ...Object.keys(scope.excludedTables)]) {
    if (catalog.tables.has(key)) continue;
    problems.push({ kind: "table_missing", table: key, message: `table ${key} is declared and not in the database` });
  }
  return problems;
}

function unclassifiedTable(table: CatalogTable): ScopeProblem {
  const columns = table.columns.filter((column) => !column.generated).map((column) => JSON.stringify(column.name));
  return {
    kind: "table_unclassified",
    table: table.key,
    message: `table ${table.key} is neither included nor excluded`,
    paste: `tables: ${JSON.stringify(table.key)}: { columns: [${columns.join(", ")}] },  or  excludedTables: ${JSON.stringify(table.key)}: "why it stays",`,
  };
}

/** A draft is no decision: each of its guesses is a problem until a person has taken its mark away. */
function unconfirmedReasons(scope: Scope): ScopeProblem[] {
  const marked = (table: string, text: string | undefined, column?: string): ScopeProblem[] => {
    if (text?.startsWith(unconfirmed) !== true) return [];
    const place = [table, column].filter(Boolean).join(".");
    const message = `${place}: nobody has confirmed ${JSON.stringify(text.slice(unconfirmed.length).trim())}`;
    return [{ kind: "unconfirmed", table, ...(column && { column }), message }];
  };
  const tables = Object.entries(scope.tables).flatMap(
    ([key, { excluded = {}, notSecret = {}, withoutKeys = {}, importNever }]) => [
      ...marked(key, importNever),
      ...Object.entries({ ...excluded, ...notSecret }).flatMap(([column, text]) => marked(key, text, column)),
      ...Object.entries(withoutKeys).flatMap(([column, keys]) => keys.flatMap((text) => marked(key, text, column))),
    ],
  );
  const whole = Object.entries(scope.excludedTables).flatMap(([key, text]) => marked(key, text));
  return [...marked("description", scope.description), ...tables, ...whole];
}

/** Where an application has tenants, every table is one's, or said to be nobody's: what belongs to whom is never guessed. */
function checkTenant(scope: Scope, catalog: Catalog, key: string): ScopeProblem[] {
  const { tenants } = scope;
  if (tenants === undefined || own(scope.tables, key)?.shared !== undefined) return [];
  if (tenantCondition({ scope: { ...scope, tenants }, catalog }, key, []) !== undefined) return [];
  const message = `table ${key} has no foreign key that leads to ${tenants.table}: whose are its rows?`;
  const paste = `${JSON.stringify(key)}: tenant: "the column"  or  tenantRows: "SQL with $tenants"  or  shared: "in" or "out"`;
  return [{ kind: "tenant_unknown", table: key, message, paste }];
}

function checkTable(table: CatalogTable, declared: TableScope): ScopeProblem[] {
  const problems: ScopeProblem[] = [];
  const live = new Map(table.columns.map((column) => [column.name, column]));
  const excluded = declared.excluded ?? {};
  for (const name of [...declared.columns, ...Object.keys(excluded)]) {
    if (live.has(name)) continue;
    problems.push({
      kind: "column_missing",
      table: table.key,
      column: name,
      message: `column ${table.key}.${name} is declared and not in the database`,
    });
  }
  for (const column of table.columns) problems.push(...checkColumn(table.key, column, declared));
  if (table.primaryKey.length === 0 || !table.primaryKey.every((name) => declared.columns.includes(name))) {
    problems.push({
      kind: "key_missing",
      table: table.key,
      message: `table ${table.key} needs a primary key whose columns are all included`,
    });
  }
  return problems;
}

function checkColumn(table: string, column: CatalogColumn, declared: TableScope): ScopeProblem[] {
  const at = { table, column: column.name };
  const included = declared.columns.includes(column.name);
  if (column.generated) {
    if (!included) return [];
    return [
      { ...at, kind: "column_generated", message: `column ${table}.${column.name} is generated by PostgreSQL: leave it out` },
    ];
  }
  if (!included) {
    if (own(declared.excluded, column.name) !== undefined) return [];
    const paste = `${table}: columns: [..., ${JSON.stringify(column.name)}]  or  excluded: { ${JSON.stringify(column.name)}: "why it stays" }`;
    return [
      { ...at, kind: "column_unclassified", message: `column ${table}.${column.name} is neither included nor excluded`, paste },
    ];
  }
  if (own(declared.withoutKeys, column.name) !== undefined && column.builtin !== "jsonb") {
    const message = `column ${table}.${column.name} has no jsonb, and withoutKeys removes members of jsonb documents`;
    return [{ ...at, kind: "keys_not_jsonb", message }];
  }
  if (!looksSecret(column.name) || own(declared.notSecret, column.name) !== undefined) return [];
  const paste = `${table}: notSecret: { ${JSON.stringify(column.name)}: "why it holds none" }`;
  return [{ ...at, kind: "likely_secret", message: `column ${table}.${column.name} is included and looks like a secret`, paste }];
}
