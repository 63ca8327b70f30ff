import type { ScopeDescription, ScopeTable } from "../../engine/http-types.ts";
import { modesOf, type Scope, type TableScope } from "../scope/define-scope.ts";

/** What is in, what is out and why: the declaration without its SQL. */
export function describeScope(scope: Scope): ScopeDescription {
  return {
    name: scope.name,
    version: scope.version,
    app: scope.app,
    description: scope.description,
    options: Object.entries(scope.options).map(([name, option]) => ({ name, ...option })),
    tenants: scope.tenants ?? null,
    ignored_options: scope.ignoredOptions,
    tables: Object.entries(scope.tables).map(describeTable),
    excluded_tables: scope.excludedTables,
    settings: scope.settings === undefined ? null : { option: scope.settings.option, included: scope.settings.include },
    modes: modesOf(scope),
  };
}

function describeTable([name, table]: [string, TableScope]): ScopeTable {
  return {
    name,
    columns: table.columns,
    excluded_columns: table.excluded ?? {},
    rewritten_columns: Object.keys(table.rewrite ?? {}),
    filtered: table.where !== undefined,
    option: table.option ?? null,
    metadata_columns: table.metadata ?? [],
    importer_columns: table.importer ?? [],
    append_only: table.appendOnly ?? false,
    import_never: table.importNever ?? null,
    needs_user_mapping: table.needsUserMapping ?? null,
    stored_objects: table.blob === undefined ? null : { option: table.blob.option },
  };
}
