import type { Sql } from "postgres";
import type { PlanRow } from "../../../engine/plan.ts";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import { joinOn, type PlanInput } from "../plan-input.ts";
import type { GoneRows } from "./gone-rows.ts";

/**
 * Writes the rows that the bundle does not hold into the plan of their table, numbered behind the bundle's rows in the order of
 * their keys, with the key and a hash of what is deleted.
 */
export async function planDeletes(sql: Sql, gone: readonly GoneRows[]): Promise<void> {
  for (const { input } of gone) {
    if (input === undefined) continue;
    const { table, staged } = input;
    const key = table.catalog.primaryKey.map((name) => `t.${quoteIdent(name)}`);
    const { count } = await sql.unsafe(`insert into ${table.plan} (_row, outcome, cleared, old_hash, holder)
      select ${staged.rows} + row_number() over (order by ${key.join(", ")}), 'delete', 0, md5(row(t.*)::text),
        json_build_array(${key.map((name) => `${name}::text`).join(", ")})::text
      from ${quoteTable(table.catalog)} t join ${table.gone} g on ${joinOn(table.catalog.primaryKey, "g", "t")} where g.direct`);
    input.planned += count;
  }
}

/** The first rows that would be deleted. */
export async function sampleDeletes(sql: Sql, { table, mode }: PlanInput, limit: number): Promise<PlanRow[]> {
  if (mode !== "replace") return [];
  const rows = await sql.unsafe(
    `select _row::float8 as row, holder::json as key from ${table.plan} where outcome = 'delete' order by _row limit ${limit}`,
  );
  return rows.map((row) => ({ outcome: "delete", row: row["row"] as number, key: row["key"] as string[] }));
}
