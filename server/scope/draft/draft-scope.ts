import type { Catalog, CatalogTable } from "../../database/catalog.ts";
import { quoteIdent } from "../../database/session.ts";
import { looksSecret, unconfirmed } from "../check-scope.ts";
import type { BlobScope, Scope, ScopeTenants, ScopeUsers, TableScope } from "../define-scope.ts";
import { own } from "../own.ts";
import { tenantCondition } from "../tenants.ts";
import {
  blobColumns,
  findColumn,
  isDigest,
  isHistory,
  isImporter,
  isMetadata,
  isRuntime,
  tableReason,
  tenantTables,
  userTables,
} from "./guesses.ts";
import type { SampledKeys } from "./sampled-keys.ts";

/** A scope to begin with: everything is classified, and nothing is settled. */
export interface Draft {
  scope: Scope;
  /** What a person should look at, by table. */
  remarks: Record<string, string[]>;
}

const sql = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdent(name));
const confirm = (reason: string) => `${unconfirmed} ${reason}`;

/** Drafts a scope for the application in a database, by the names of its tables and columns, and of keys in its documents. */
export function draftScope(catalog: Catalog, app: { name: string; version: string }, sampled: SampledKeys = new Map()): Draft {
  const tables = parentsFirst(catalog);
  const users = guessUsers(tables);
  const tenants = guessTenants(tables);
  const draft: Draft = { scope: emptyScope(app, users, tenants), remarks: {} };
  for (const table of tables) {
    const reason = table.key === users.table || table.key === tenants?.table ? undefined : tableReason(table);
    if (reason !== undefined) draft.scope.excludedTables[table.key] = confirm(reason);
    else if (table.primaryKey.length === 0)
      draft.scope.excludedTables[table.key] = confirm("has no primary key; give it one if it should travel");
    else draft.scope.tables[table.key] = draftTable(table, draft, tenants, sampled.get(table.key));
  }
  if (tenants !== undefined) nameTheShared(draft, catalog, tenants);
  return draft;
}

function emptyScope(app: Draft["scope"]["app"], users: ScopeUsers, tenants: ScopeTenants | undefined): Scope {
  return {
    name:
      app.name
        .toLowerCase()
        .replace(/^.*\//, "")
        .replaceAll(/[^a-z0-9]+/g, "-")
        .replace(/^[^a-z]+|-$/g, "") || "app",
    version: 1,
    app,
    description: confirm("what this application keeps, in a sentence for its admins"),
    options: {},
    ignoredOptions: { include_secrets: "secrets never leave an installation" },
    users,
    ...(tenants === undefined ? {} : { tenants }),
    tables: {},
    excludedTables: {},
  };
}

function draftTable(
  table: CatalogTable,
  draft: Draft,
  tenants: ScopeTenants | undefined,
  keys: Readonly<Record<string, string[]>> = {},
): TableScope {
  const blob = guessBlob(table);
  const own = table.columns.filter((column) => !column.generated);
  const stays = new Map(own.flatMap(({ name }) => (table.primaryKey.includes(name) ? [] : reasonToStay(name, blob))));
  const columns = own.map(({ name }) => name).filter((name) => !stays.has(name));
  const scope: TableScope = { columns };
  const secrets = columns.filter(looksSecret);
  if (stays.size > 0) scope.excluded = Object.fromEntries(stays);
  if (secrets.length > 0)
    scope.notSecret = Object.fromEntries(secrets.map((name) => [name, confirm("say why it holds no secret")]));
  const documents = secretMembers(table, columns, keys);
  if (documents.length > 0) scope.withoutKeys = Object.fromEntries(documents);
  const metadata = columns.filter((name) => isMetadata(name) && !table.primaryKey.includes(name));
  if (metadata.length > 0) scope.metadata = metadata;
  const importer = columns.filter((name) => isImporter(name) && refersTo(table, name, draft.scope.users.table));
  if (importer.length > 0) scope.importer = importer;
  if (isHistory(table.name)) scope.appendOnly = true;
  const natural = naturalKey(table, columns);
  if (natural !== undefined) scope.naturalKey = natural;
  const tenant =
    tenants === undefined || table.key === tenants.table
      ? undefined
      : columns.find((name) => refersTo(table, name, tenants.table));
  if (tenant !== undefined) scope.tenant = tenant;
  if (blob !== undefined) addBlob(draft, scope, blob);
  if (table.key === draft.scope.users.table) scope.importNever = confirm("accounts are made in the target by its own admin");
  draft.remarks[table.key] = remarks(table, columns, blob, keys);
  return scope;
}

/** A member cannot be taken out of `json`, which keeps its text as it was written. */
function secretMembers(table: CatalogTable, included: readonly string[], keys: Readonly<Record<string, string[]>>) {
  const strippable = table.columns.filter(({ name, builtin }) => included.includes(name) && builtin === "jsonb");
  return strippable.flatMap(({ name }) => {
    const found = own(keys, name);
    return found === undefined ? [] : [[name, found.map(confirm)] as const];
  });
}

/** The first unique index over included columns that are no part of the primary key. */
function naturalKey({ uniqueIndexes, primaryKey }: CatalogTable, columns: readonly string[]): string[] | undefined {
  const free = columns.filter((name) => !primaryKey.includes(name));
  const named = (key: string) => free.find((name) => key === name || key === quoteIdent(name));
  const index = uniqueIndexes.find(({ keys, where }) => where === null && keys.every((key) => named(key) !== undefined));
  return index?.keys.map((key) => named(key)!);
}

function reasonToStay(name: string, blob: BlobScope | undefined): [string, string][] {
  if (name === blob?.sha256 || isDigest(name)) return [];
  if (looksSecret(name)) return [[name, confirm("looks like a secret")]];
  return isRuntime(name) ? [[name, confirm("runtime state of this installation")]] : [];
}

function refersTo(table: CatalogTable, name: string, parent: string): boolean {
  return table.foreignKeys.some((key) => key.parent === parent && key.columns.length === 1 && key.columns[0] === name);
}

/** All of its columns are needed: a table that has only some is left to a person. */
function guessBlob({ primaryKey, columns }: CatalogTable): BlobScope | undefined {
  const [id] = primaryKey;
  const found = Object.entries(blobColumns).map(([role, pattern]) => [role, findColumn(columns, pattern)] as const);
  if (primaryKey.length !== 1 || found.some(([, name]) => name === undefined)) return undefined;
  return { option: "include_files", id: id!, ...(Object.fromEntries(found) as Omit<BlobScope, "option" | "id">) };
}

function addBlob({ scope: { options } }: Draft, table: TableScope, blob: BlobScope): void {
  table.blob = blob;
  options["include_files"] = { default: true, label: "Stored files", description: "The contents of stored files." };
}

function remarks(
  { columns: all }: CatalogTable,
  included: string[],
  blob: BlobScope | undefined,
  keys: Readonly<Record<string, string[]>>,
): string[] {
  const json = all.filter(({ name, isJson }) => isJson && included.includes(name)).map(({ name }) => name);
  const found: string[] = [];
  if (json.length > 0) found.push(`free-form JSON can hold secrets; a rewrite takes them out: ${json.join(", ")}`);
  for (const { name, builtin } of all)
    if (builtin === "json" && included.includes(name) && own(keys, name) !== undefined)
      found.push(
        `${name} has members that look like secrets (${own(keys, name)!.join(", ")}), which withoutKeys removes from jsonb alone`,
      );
  const key = findColumn(all, /^(object|storage|blob|s3|bucket|file)_?(key|path)$/i);
  if (key !== undefined && blob === undefined)
    found.push(`${key} may name a stored object; \`blob\` needs columns for name, size, SHA-256 and type as well`);
  return found;
}

function guessUsers(tables: readonly CatalogTable[]): ScopeUsers {
  const email = (table: CatalogTable) => findColumn(table.columns, /^e?_?mail(_address)?$/i);
  const table = tables.find((candidate) => userTables.test(candidate.name) && email(candidate) !== undefined);
  if (table === undefined) return { table: "users", id: "id", email: "email", admin: "false" };
  const column = (pattern: RegExp) => findColumn(table.columns, pattern);
  const flag = column(/^(is_)?(admin|superuser|staff)$/i);
  const role = column(/^role$/i);
  const admin = flag !== undefined ? sql(flag) : role !== undefined ? `${sql(role)}::text = 'admin'` : "false";
  return { table: table.key, id: table.primaryKey[0] ?? "id", email: email(table)!, admin };
}

/** A table that is named like one and that others refer to. */
function guessTenants(tables: readonly CatalogTable[]): ScopeTenants | undefined {
  const referred = (key: string) => tables.filter((table) => table.foreignKeys.some(({ parent }) => parent === key)).length;
  const table = tables.find(
    ({ name, key, primaryKey }) => tenantTables.test(name) && primaryKey.length === 1 && referred(key) > 1,
  );
  if (table === undefined) return undefined;
  const unique = table.uniqueIndexes.find(
    ({ keys, where }) => where === null && keys.length === 1 && /^(slug|name|handle|key)$/i.test(keys[0]!),
  );
  return { table: table.key, id: table.primaryKey[0]!, ...(unique === undefined ? {} : { name: unique.keys[0]! }) };
}

/** What no foreign key ties to a tenant stays out of an export of some, until a person says otherwise. */
function nameTheShared({ scope, remarks }: Draft, catalog: Catalog, tenants: ScopeTenants): void {
  for (const [key, table] of Object.entries(scope.tables)) {
    if (tenantCondition({ scope: { ...scope, tenants }, catalog }, key, []) !== undefined) continue;
    table.shared = "out";
    remarks[key] = [
      ...(remarks[key] ?? []),
      `nothing ties it to ${tenants.table}: shared "in" sends it along with every one of them`,
    ];
  }
}

function parentsFirst({ tables }: Catalog): CatalogTable[] {
  const ordered = new Map<string, CatalogTable>();
  const visit = (table: CatalogTable, path: ReadonlySet<string>) => {
    if (ordered.has(table.key) || path.has(table.key)) return;
    for (const { parent } of table.foreignKeys) visit(tables.get(parent)!, new Set([...path, table.key]));
    ordered.set(table.key, table);
  };
  for (const table of tables.values()) visit(table, new Set());
  return [...ordered.values()];
}
