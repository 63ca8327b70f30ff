import type { Catalog, CatalogTable, ForeignKey } from "../database/catalog.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import type { Scope, ScopeTenants } from "./define-scope.ts";
import { own } from "./own.ts";

/** A scope that says what a tenant is, beside the catalog that its foreign keys are read from. */
export interface TenantScope {
  scope: Scope & { tenants: ScopeTenants };
  catalog: Catalog;
}

/**
 * SQL condition over a table's rows: they hang on one of the tenants. The table's own tenant column or condition decides; without
 * one, every reference that leads to a tenant does, and a row goes along only if all of them lead to one of these. `undefined`
 * where nothing leads to a tenant.
 * @param ids keys of the tenants, as PostgreSQL writes them
 */
export function tenantCondition(tenancy: TenantScope, key: string, ids: readonly string[]): string | undefined {
  return new Conditions(tenancy, ids).of(key, []);
}

class Conditions {
  readonly #tenancy: TenantScope;
  readonly #ids: readonly string[];

  constructor(tenancy: TenantScope, ids: readonly string[]) {
    this.#tenancy = tenancy;
    this.#ids = ids;
  }

  /** `path` leads here from the table that is asked for: a circle of references says nothing new. */
  of(key: string, path: readonly string[]): string | undefined {
    const { scope, catalog } = this.#tenancy;
    const table = catalog.tables.get(key);
    if (table === undefined) return undefined;
    if (key === scope.tenants.table) return this.#isOneOf(table, scope.tenants.id);
    const { tenant, tenantRows, shared } = own(scope.tables, key) ?? {};
    if (tenantRows !== undefined) return tenantRows.replaceAll("$tenants", this.#idsAs(this.#type(scope.tenants)));
    if (tenant !== undefined) return orShared(this.#isOneOf(table, tenant), `${column(table, tenant)} is null`, shared);
    return this.#derived(table, [...path, key], shared);
  }

  #derived(table: CatalogTable, path: readonly string[], shared: "in" | "out" | undefined): string | undefined {
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
  #within(table: CatalogTable, { columns, parent, parentColumns }: ForeignKey, condition: string): string {
    const catalog = this.#tenancy.catalog.tables.get(parent)!;
    const names = columns.map((name) => column(table, name));
    const empty = names.map((name) => `${name} is null`).join(" or ");
    const referenced = parentColumns.map((name) => column(catalog, name)).join(", ");
    return `(${empty} or (${names.join(", ")}) in (select ${referenced} from ${quoteTable(catalog)} where ${condition}))`;
  }

  #isOneOf(table: CatalogTable, name: string): string {
    const type = table.columns.find((candidate) => candidate.name === name)?.type;
    return `${column(table, name)} = any(${this.#idsAs(type ?? "text")})`;
  }

  #type({ table, id }: ScopeTenants): string {
    return this.#tenancy.catalog.tables.get(table)?.columns.find(({ name }) => name === id)?.type ?? "text";
  }

  #idsAs(type: string): string {
    const items = this.#ids.map((id) => `"${id.replaceAll(/["\\]/g, "\\$&")}"`);
    return `${quoteLiteral(`{${items.join(",")}}`)}::${type}[]`;
  }
}

function column(table: CatalogTable, name: string): string {
  return `${quoteTable(table)}.${quoteIdent(name)}`;
}

/** Rows of no tenant go along where the scope says that they are shared. */
function orShared(condition: string, none: string, shared: "in" | "out" | undefined): string {
  return shared === "in" ? `(${condition} or ${none})` : `(${condition})`;
}
