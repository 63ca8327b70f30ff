import * as v from "valibot";
import { tablePath } from "../../engine/bundle/layout.ts";
import { collisionKey } from "../../engine/paths.ts";
import { type ConflictMode, conflictModes } from "../../engine/plan.ts";
import { describingColumns } from "./blob-sql.ts";
import { own } from "./own.ts";
import { type Upgrade, upgradeSchema } from "./upgrade/steps.ts";

/**
 * The declaration of what may leave an installation and enter another. Everything else is derived from it: the SELECT
 * lists, the manifest, the import's column lists, the scope page and the check that nothing was forgotten. Keys, foreign
 * keys, types, identity and generated columns are read from PostgreSQL's catalog, never declared again.
 */
export interface Scope {
  name: string;
  /** Raised when a table or column changes meaning. */
  version: number;
  app: { name: string; version: string };
  description: string;
  options: Record<string, ScopeOption>;
  /** Options that a request may name and that change nothing but a warning, with the reason. */
  ignoredOptions: Record<string, string>;
  /** Where the installation keeps its people: who may be the importer. */
  users: ScopeUsers;
  /** What a tenant is, in an application that has several: an export may then take some of them. */
  tenants?: ScopeTenants;
  /** What an import may do with rows that are there; all but `replace` where absent. */
  modes?: readonly ConflictMode[];
  /** What mode `replace` needs to know. */
  replace?: ScopeReplace;
  /** By table name, `schema.table` outside of `public`. */
  tables: Record<string, TableScope>;
  /** Tables that never leave, with the reason. */
  excludedTables: Record<string, string>;
  settings?: ScopeSettings;
  /** What turns rows of older versions of this scope into today's, in order; a version that is left out changed nothing. */
  upgrades?: readonly Upgrade[];
}

export interface ScopeOption {
  default: boolean;
  label: string;
  description: string;
}

export interface ScopeUsers {
  table: string;
  id: string;
  email: string;
  /** SQL condition over the user's row: who may act as an importer. */
  admin: string;
}

export interface ScopeReplace {
  /** A target with rows in one of these tables, of the scope or excluded from it, is in use and not fresh. */
  occupiedBy: readonly string[];
}

export interface ScopeTenants {
  /** A row of it is a tenant. */
  table: string;
  id: string;
  /** A unique column by which people name a tenant. */
  name?: string;
}

export interface TableScope {
  /** Columns that leave and enter. */
  columns: readonly string[];
  /** Columns that never leave, with the reason. */
  excluded?: Record<string, string>;
  /** Included columns whose name or type looks like a secret, with the reason why they hold none. */
  notSecret?: Record<string, string>;
  /** SQL condition over the table's row: which rows leave. */
  where?: string;
  /** Rows that the condition would not let out do not enter either, whoever made the bundle. */
  whereOnImport?: boolean;
  /** SQL expressions that replace a column's value on the way out. */
  rewrite?: Record<string, string>;
  /**
   * Free-form `jsonb` columns, each with keys whose members are removed at any depth, on the way out and on the way in: where
   * people and programs have been seen to leave credentials. Letter case, hyphens and underscores do not count.
   */
  withoutKeys?: Record<string, readonly string[]>;
  /** Rewritten columns that are rewritten on the way in as well, whoever made the bundle. */
  rewriteOnImport?: readonly string[];
  /** The option that turns the table on; `off` says whether the bundle then lacks the table or holds it empty. */
  option?: { name: string; off: "absent" | "empty" };
  /** Columns that `overwrite_metadata_only` may refresh. */
  metadata?: readonly string[];
  /** Columns that name the user who made the row: the importer on insert, never touched afterwards. */
  importer?: readonly string[];
  /** The table is exported but never imported, with the reason. */
  importNever?: string;
  /** The rows name people who must be in the target: they enter only by a mapping of users; the reason why not otherwise. */
  needsUserMapping?: string;
  /** Existing rows are history and are never updated. */
  appendOnly?: boolean;
  /** Columns that identify the same thing across installations. */
  naturalKey?: readonly string[];
  /** The column that names the tenant; an import never moves a row from one tenant to another. */
  tenant?: string;
  /** SQL condition over the table's row that says which rows hang on the tenants whose ids are in the array `$tenants`. */
  tenantRows?: string;
  /** Whether rows that hang on no tenant go along with an export of some; `out` where absent. */
  shared?: "in" | "out";
  /** The stored object that a row owns. */
  blob?: BlobScope;
}

export interface BlobScope {
  /** The option that decides whether objects travel with their rows. */
  option: string;
  /** Columns of the table. */
  id: string;
  /** The object's key: a column, or SQL over the row where the application makes it of others and keeps it nowhere. */
  key: string | { sql: string };
  name: string;
  size: string;
  sha256?: string;
  contentType?: string;
}

/** Settings that are written to the manifest for the reader; an import never applies them. */
export interface ScopeSettings {
  option: string;
  table: string;
  key: string;
  value: string;
  /** Setting keys that leave; every other key stays. */
  include: readonly string[];
  /** Whether they go along with an export of some tenants; `out` where absent. */
  shared?: "in" | "out";
}

const identifier = v.pipe(v.string(), v.nonEmpty("a name may not be empty"));
const reason = v.pipe(v.string(), v.minLength(8, "give the reason in a few words"));
const columns = v.array(identifier);

const tableSchema = v.strictObject({
  columns: v.pipe(columns, v.nonEmpty("a table needs at least one column")),
  excluded: v.optional(v.record(identifier, reason)),
  notSecret: v.optional(v.record(identifier, reason)),
  where: v.optional(v.string()),
  whereOnImport: v.optional(v.boolean()),
  rewrite: v.optional(v.record(identifier, v.string())),
  withoutKeys: v.optional(v.record(identifier, v.pipe(columns, v.nonEmpty("name the keys")))),
  rewriteOnImport: v.optional(columns),
  option: v.optional(v.strictObject({ name: identifier, off: v.picklist(["absent", "empty"]) })),
  metadata: v.optional(columns),
  importer: v.optional(columns),
  importNever: v.optional(reason),
  needsUserMapping: v.optional(reason),
  appendOnly: v.optional(v.boolean()),
  naturalKey: v.optional(columns),
  tenant: v.optional(identifier),
  tenantRows: v.optional(v.pipe(v.string(), v.includes("$tenants", "the condition has to name $tenants"))),
  shared: v.optional(v.picklist(["in", "out"])),
  blob: v.optional(
    v.strictObject({
      option: identifier,
      id: identifier,
      key: v.union([identifier, v.strictObject({ sql: identifier })]),
      name: identifier,
      size: identifier,
      sha256: v.optional(identifier),
      contentType: v.optional(identifier),
    }),
  ),
});

const scopeSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/, "a scope's name is lowercase letters, digits and hyphens")),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  app: v.strictObject({ name: identifier, version: identifier }),
  description: v.string(),
  options: v.record(identifier, v.strictObject({ default: v.boolean(), label: v.string(), description: v.string() })),
  ignoredOptions: v.record(identifier, reason),
  users: v.strictObject({ table: identifier, id: identifier, email: identifier, admin: identifier }),
  tenants: v.optional(v.strictObject({ table: identifier, id: identifier, name: v.optional(identifier) })),
  modes: v.optional(v.pipe(v.array(v.picklist(conflictModes)), v.nonEmpty("an import needs a mode"))),
  replace: v.optional(
    v.strictObject({ occupiedBy: v.pipe(columns, v.nonEmpty("name the tables that make a target one in use")) }),
  ),
  tables: v.record(identifier, tableSchema),
  excludedTables: v.record(identifier, reason),
  upgrades: v.optional(v.array(upgradeSchema)),
  settings: v.optional(
    v.strictObject({
      option: identifier,
      table: identifier,
      key: identifier,
      value: identifier,
      include: columns,
      shared: v.optional(v.picklist(["in", "out"])),
    }),
  ),
});

/** The modes that a scope offers, the first of them as the default. */
export function modesOf({ modes }: Scope): readonly ConflictMode[] {
  return modes ?? conflictModes.filter((mode) => mode !== "replace");
}

/**
 * Checks a declaration in itself and returns it unchanged. Whether it fits a database is `checkScope`'s question.
 * @throws TypeError naming every mistake at once.
 */
export function defineScope(declaration: Scope): Scope {
  const parsed = v.safeParse(scopeSchema, declaration);
  const mistakes = parsed.success
    ? contradictions(declaration)
    : parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "scope"}: ${issue.message}`);
  if (mistakes.length > 0) throw new TypeError(`scope ${declaration.name} is not usable:\n  ${mistakes.join("\n  ")}`);
  return declaration;
}

function contradictions(scope: Scope): string[] {
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
