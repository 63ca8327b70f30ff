import type { Sql } from "postgres";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import { outcomeOf, type PlanInput, plannedRows } from "../plan-input.ts";
import type { StageTable } from "../stage-table.ts";
import { naturalColumns, sameThing } from "./match-rows.ts";

/**
 * Text for the plan's digest, empty where there is nothing to say: which rows are matched with which, whether those still are the same things, and whether new rows have
 * a twin in the target by now. A new number is no part of it: the application may draw numbers between preview and import.
 */
export async function digestMatches(sql: Sql, input: PlanInput): Promise<string> {
  const { matched, renumbered } = input;
  const matches = matched + renumbered > 0 ? await textOf(sql, matchesSql(input.table)) : "0";
  const strangers = matched > 0 ? await textOf(sql, strangersSql(input)) : "0";
  const twins = input.planned > 0 && !hasIndex(input.table) ? await textOf(sql, twinsSql(input)) : "0";
  const text = [matches, strangers, twins].join(":");
  return text === "0:0:0" ? "" : `${text}\n`;
}

async function textOf(sql: Sql, select: string): Promise<string> {
  const [row] = await sql.unsafe(select);
  return row!["text"] as string;
}

function matchesSql(table: StageTable): string {
  const key = table.catalog.primaryKey.map((name) => `${quoteIdent(name)}::text`).join(", ");
  const line = `concat_ws(':', _row, case when fresh then 'new' else concat_ws(':', ${key}) end)`;
  return `select encode(sha256(convert_to(coalesce(string_agg(d, '' order by block), ''), 'UTF8')), 'hex') as text from (
    select _row / 8192 as block, encode(sha256(convert_to(string_agg(${line}, e'\\n' order by _row), 'UTF8')), 'hex') as d
    from ${table.match} group by 1) blocks`;
}

/** Rows of the target that were the same thing and are not any more. */
function strangersSql({ table }: PlanInput): string {
  const key = table.catalog.primaryKey.map((name) => `t.${quoteIdent(name)} = s.${quoteIdent(name)}`).join(" and ");
  return `select count(*)::text as text from ${table.match} m join ${table.stage} s using (_row)
    left join ${quoteTable(table.catalog)} t on ${key} where not m.fresh and not coalesce(${sameThing(table)}, false)`;
}

/** New rows that the target has under another key: without a unique index, nothing else would notice. */
function twinsSql(input: PlanInput): string {
  const { table } = input;
  const key = table.catalog.primaryKey.map((name) => `o.${quoteIdent(name)} = t.${quoteIdent(name)}`).join(" and ");
  return `select count(*)::text as text from ${plannedRows(input)} join ${quoteTable(table.catalog)} t on ${sameThing(table)}
    where ${outcomeOf(input)} = 'insert' and not exists (select 1 from ${table.stage} o where ${key})`;
}

/** A unique index over the natural key makes a twin a conflict, which the plan says anyway. */
function hasIndex(table: StageTable): boolean {
  const natural = new Set(naturalColumns(table).map(quoteIdent));
  const isIt = (keys: readonly string[]) =>
    keys.length === natural.size && keys.every((key) => natural.has(key) || natural.has(`"${key}"`));
  return table.catalog.uniqueIndexes.some(({ keys, where }) => where === null && isIt(keys));
}
