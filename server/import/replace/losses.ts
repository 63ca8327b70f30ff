import type { Sql } from "postgres";
import type { Loss } from "../../../engine/plan.ts";
import type { Catalog } from "../../database/catalog.ts";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import { arrivingOutcomes, joinOn, outcomeOf, type PlanInput, plannedRows } from "../plan-input.ts";
import { type GoneRows, matchesGone } from "./gone-rows.ts";

/** What goes although no bundle holds it, in the order of the tables' names. */
export async function findLosses(
  sql: Sql,
  gone: readonly GoneRows[],
  inputs: readonly PlanInput[],
  catalog: Catalog,
): Promise<Loss[]> {
  const rows: Loss[] = [];
  for (const table of gone) rows.push({ table: table.catalog.key, what: "rows", rows: await countLost(sql, table) });
  const losses = [...rows, ...(await lostReferences(sql, gone, inputs, catalog)), ...(await lostValues(sql, gone))];
  return losses.filter((loss) => loss.rows > 0).sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

/** Of a table that is replaced, rows that are not the bundle's to delete and that it does not bring again. */
async function countLost(sql: Sql, { input, rows }: GoneRows): Promise<number> {
  if (input === undefined) return rows;
  const key = input.table.catalog.primaryKey;
  const arriving = `select 1 from ${plannedRows(input)} where ${outcomeOf(input)} in ${arrivingOutcomes(input)}`;
  const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${input.table.gone} g
    where not g.direct and not exists (${arriving} and ${joinOn(key, "s", "g")})`);
  return row!["rows"] as number;
}

function place({ table, column = "" }: Loss): string {
  return `${table}.${column}`;
}

/** Rows that stay, and lose what a foreign key of theirs names. */
async function lostReferences(
  sql: Sql,
  gone: readonly GoneRows[],
  inputs: readonly PlanInput[],
  catalog: Catalog,
): Promise<Loss[]> {
  const losses: Loss[] = [];
  for (const child of catalog.tables.values()) {
    // The bundle says what its own tables refer to.
    if (inputs.some(({ table }) => table.key === child.key)) continue;
    for (const key of child.foreignKeys.filter(({ onDelete }) => onDelete === "empty")) {
      const parent = gone.find(({ catalog }) => catalog.key === key.parent);
      if (parent === undefined) continue;
      const own = gone.find(({ catalog }) => catalog.key === child.key);
      const isKnown = child.primaryKey.length > 0 ? joinOn(child.primaryKey, "g", "c") : "g._place = c.ctid";
      const stays = own === undefined ? "" : `and not exists (select 1 from ${own.name} g where ${isKnown})`;
      const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${quoteTable(child)} c
        where exists (select 1 from ${parent.name} p where ${matchesGone(key)}) ${stays}`);
      losses.push({ table: child.key, what: "references", column: key.columns.join(", "), rows: row!["rows"] as number });
    }
  }
  return losses;
}

/** Values of columns that never leave, in rows that the bundle does not hold. */
async function lostValues(sql: Sql, gone: readonly GoneRows[]): Promise<Loss[]> {
  const losses: Loss[] = [];
  for (const { catalog, input } of gone) {
    for (const column of Object.keys(input?.table.scope.excluded ?? {})) {
      if (catalog.columns.find(({ name }) => name === column)?.generated !== false) continue;
      const [row] = await sql.unsafe(`select count(t.${quoteIdent(column)})::float8 as rows
        from ${quoteTable(catalog)} t join ${input!.table.gone} g on ${joinOn(catalog.primaryKey, "g", "t")} where g.direct`);
      losses.push({ table: catalog.key, what: "values", column, rows: row!["rows"] as number });
    }
  }
  return losses;
}
