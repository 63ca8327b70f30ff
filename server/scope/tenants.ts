import type { Catalog, CatalogTable, ForeignKey } from "../database/catalog.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import type { Scope, ScopeTenants } from "./define-scope.ts";
import { own } from "./own.ts";

/** A scope that says what a tenant is, beside the catalog that its foreign keys are read from. */
export interface TenantScope {
  scope: Scope & { tenants: ScopeTenants };
  catalog: Catalog;
}

/** Where the rows of a table are looked for: the table itself, or what an import has staged of it. */
export interface TenantTable {
  /** For FROM, under the name `alias`. */
  from: string;
  alias: string;
  foreignKeys: readonly ForeignKey[];
}

export interface TenantRows {
  /** `undefined` for a table whose rows are not there to lead on. */
  table(key: string): TenantTable | undefined;
  /** SQL: the value, of this type, is the key of one of the tenants. */
  isTenant(value: string, type: string): string;
  /** SQL of the scope's own condition over a row of the table. */
  own(key: string, condition: string): string;
}

/**
 * SQL condition over a table's rows: they hang on one of the tenants. The table's own tenant column or condition decides; without
 * one, every reference that leads to a tenant does, and a row goes along only if all of them lead to one of these. `undefined`
 * where nothing leads to a tenant.
 * @param ids keys of the tenants, as PostgreSQL writes them
 */
export function tenantCondition(tenancy: TenantScope, key: string, ids: readonly string[]): string | undefined {
  const { scope, catalog } = tenancy;
  const list = (type: string) =>
    `${quoteLiteral(`{${ids.map((id) => `"${id.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`)}::${type}[]`;
  const idType = typeOf(catalog.tables.get(scope.tenants.table), scope.tenants.id);
  return conditionOver(tenancy, key, {
    table(name) {
      const table = catalog.tables.get(name);
      return table && { from: quoteTable(table), alias: quoteTable(table), foreignKeys: table.foreignKeys };
    },
    isTenant: (value, type) => `${value} = any(${list(type)})`,
    own: (_, condition) => condition.replaceAll("$tenants", list(idType)),
  });
}

/** The same over other rows than the table's own, whose alias is that of `rows.table(key)`. */
export function conditionOver(tenancy: TenantScope, key: string, rows: TenantRows): string | undefined {
  return new Conditions(tenancy, rows).of(key, []);
}

class Conditions {
  readonly #tenancy: TenantScope;
  readonly #rows: TenantRows;

  constructor(tenancy: TenantScope, rows: TenantRows) {
    this.#tenancy = tenancy;
    this.#rows = rows;
  }

  /** `path` leads here from the table that is asked for: a circle of references says nothing new. */
  of(key: string, path: readonly string[]): string | undefined {
    const { scope } = this.#tenancy;
    const table = this.#rows.table(key);
    if (table === undefined) return undefined;
    if (key === scope.tenants.table) return this.#isOneOf(key, table, scope.tenants.id);
    const { tenant, tenantRows, shared } = own(scope.tables, key) ?? {};
    if (tenantRows !== undefined) return this.#rows.own(key, tenantRows);
    if (tenant !== undefined) return orShared(this.#isOneOf(key, table, tenant), `${column(table, tenant)} is null`, shared);
    return this.#derived(table, [...path, key], shared);
  }

  #derived(table: TenantTable, path: readonly string[], shared: "in" | "out" | undefined): string | undefined {
    const { scope } = this.#tenancy;
    const leading = table.foreignKeys.flatMap((foreignKey) => {
      const parent = path.includes(foreignKey.parent) ? undefined : this.of(foreignKey.parent, path);
      return parent === undefined ? [] : [{ foreignKey, parent }];
    });
    // Who made a row says whose it is only where nothing else does.
    const others = leading.filter(({ foreignKey }) => foreignKey.parent !== scope.users.table);
    const deciding = others.length > 0 ? others : leading;
    if (deciding.length === 0) return undefined;
    const agree = deciding.map(({ foreignKey, parent }) => this.#within(table, foreignKey, parent));
    const given = deciding.map(
      ({ foreignKey }) => `(${foreignKey.columns.map((name) => `${column(table, name)} is not null`).join(" and ")})`,
    );
    const none = `not (${given.join(" or ")})`;
    return orShared(`${agree.join(" and ")} and (${given.join(" or ")})`, none, shared);
  }

  /** The reference is empty, or leads to a row of one of the tenants. */
  #within(table: TenantTable, { columns, parent, parentColumns }: ForeignKey, condition: string): string {
    const rows = this.#rows.table(parent)!;
    const names = columns.map((name) => column(table, name));
    const empty = names.map((name) => `${name} is null`).join(" or ");
    const referenced = parentColumns.map((name) => column(rows, name)).join(", ");
    return `(${empty} or (${names.join(", ")}) in (select ${referenced} from ${rows.from} where ${condition}))`;
  }

  #isOneOf(key: string, table: TenantTable, name: string): string {
    return this.#rows.isTenant(column(table, name), typeOf(this.#tenancy.catalog.tables.get(key), name));
  }
}

function typeOf(table: CatalogTable | undefined, name: string): string {
  return table?.columns.find((candidate) => candidate.name === name)?.type ?? "text";
}

function column({ alias }: TenantTable, name: string): string {
  return `${alias}.${quoteIdent(name)}`;
}

/** Rows of no tenant go along where the scope says that they are shared. */
function orShared(condition: string, none: string, shared: "in" | "out" | undefined): string {
  return shared === "in" ? `(${condition} or ${none})` : `(${condition})`;
}
