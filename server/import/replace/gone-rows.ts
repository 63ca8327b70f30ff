import type { Sql } from "postgres";
import type { Catalog, CatalogTable, ForeignKey } from "../../database/catalog.ts";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import { arrivingOutcomes, joinOn, outcomeOf, type PlanInput, plannedRows } from "../plan-input.ts";
import { unqualified } from "../stage-table.ts";

/** The rows of one table that a replacement deletes: those that the bundle does not hold, and what PostgreSQL deletes with them. */
export interface GoneRows {
  catalog: CatalogTable;
  /** Temporary table of their keys, and `direct`: the bundle does not hold the row. */
  name: string;
  /** Of a table that is replaced. */
  input?: PlanInput;
  rows: number;
}

/**
 * Finds what goes with a replacement, along every foreign key that deletes its rows with the parent's. Tables without such rows
 * are left out.
 */
export async function findGoneRows(sql: Sql, inputs: readonly PlanInput[], catalog: Catalog): Promise<GoneRows[]> {
  const found = new Map<string, GoneRows>();
  for (const input of inputs) {
    await sql.unsafe(`drop table if exists ${input.table.gone}`);
    if (input.targetEmpty) continue;
    const { count } = await sql.unsafe(directSql(input, keptColumns(input.table.catalog, catalog)));
    found.set(input.table.key, { catalog: input.table.catalog, name: input.table.gone, input, rows: count });
  }
  for (let grew = true; grew; ) {
    grew = false;
    for (const child of catalog.tables.values()) {
      for (const key of child.foreignKeys.filter(({ onDelete }) => onDelete === "cascade")) {
        const parent = found.get(key.parent);
        if (parent === undefined || parent.rows === 0) continue;
        if (await followed(sql, { child, key, parent, found, catalog })) grew = true;
      }
    }
  }
  return [...found.values()].filter(({ rows }) => rows > 0);
}

/** What tells rows apart, and what others refer to them by. */
function keptColumns(table: CatalogTable, catalog: Catalog): string[] {
  const referenced = [...catalog.tables.values()].flatMap(({ foreignKeys }) =>
    foreignKeys.filter(({ parent }) => parent === table.key).flatMap(({ parentColumns }) => parentColumns),
  );
  return [...new Set([...table.primaryKey, ...referenced])];
}

function directSql(input: PlanInput, columns: readonly string[]): string {
  const { table } = input;
  // What never leaves by the scope's filter is in no bundle, and stays.
  const filter = table.scope.where === undefined ? "" : ` where (${table.scope.where})`;
  const arriving = `select 1 from ${plannedRows(input)} where ${outcomeOf(input)} in ${arrivingOutcomes(input)}`;
  return `create temporary table ${unqualified(table.gone)} as
    select ${columns.map((name) => `t.${quoteIdent(name)}`).join(", ")}, true as direct
    from (select * from ${quoteTable(table.catalog)}${filter}) t
    where not exists (${arriving} and ${joinOn(table.catalog.primaryKey, "s", "t")})`;
}

interface Step {
  child: CatalogTable;
  key: ForeignKey;
  parent: GoneRows;
  found: Map<string, GoneRows>;
  catalog: Catalog;
}

async function followed(sql: Sql, { child, key, parent, found, catalog }: Step): Promise<boolean> {
  const columns = keptColumns(child, catalog);
  let gone = found.get(child.key);
  if (gone === undefined) {
    gone = { catalog: child, name: `pg_temp.gone_of_${child.oid}`, rows: 0 };
    found.set(child.key, gone);
    const empty = ["c.ctid as _place", "false as direct", ...columns.map((name) => `c.${quoteIdent(name)}`)];
    await sql.unsafe(`drop table if exists ${gone.name}`);
    await sql.unsafe(
      `create temporary table ${unqualified(gone.name)} as select ${empty.join(", ")} from ${quoteTable(child)} c where false`,
    );
  }
  // A row without a key is known by its place, which it keeps as long as nobody writes to it.
  const isKnown = child.primaryKey.length > 0 ? joinOn(child.primaryKey, "g", "c") : "g._place = c.ctid";
  const place = gone.input === undefined ? ["_place"] : [];
  const names = [...place, "direct", ...columns.map(quoteIdent)];
  const values = [...place.map(() => "c.ctid"), "false", ...columns.map((name) => `c.${quoteIdent(name)}`)];
  const { count } = await sql.unsafe(`insert into ${gone.name} (${names.join(", ")})
    select ${values.join(", ")} from ${quoteTable(child)} c
    where exists (select 1 from ${parent.name} p where ${matchesGone(key)})
      and not exists (select 1 from ${gone.name} g where ${isKnown})`);
  gone.rows += count;
  return count > 0;
}

/** A child's row `c` refers to a row `p` that goes. */
export function matchesGone({ columns, parentColumns }: ForeignKey): string {
  return columns.map((name, k) => `p.${quoteIdent(parentColumns[k]!)} = c.${quoteIdent(name)}`).join(" and ");
}
