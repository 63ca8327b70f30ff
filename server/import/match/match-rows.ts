import type { Sql } from "postgres";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import type { PlanInput } from "../plan-input.ts";
import { type StageTable, unqualified } from "../stage-table.ts";
import { replaceReferences } from "./map-references.ts";

/** How rows that are numbered anew get their numbers. */
export type Numbering = "tentative" | "drawn";

/**
 * Finds the rows of the bundle that are in the target under another primary key, by the scope's natural keys, parents first, and
 * gives them the target's key, here and in every reference to them. The rows as they came stay beside.
 *
 * A key that is a number of the table's own sequence means nothing elsewhere: there the natural key alone says what is the same,
 * and a row that is new gets a number of its own where its number is another row's.
 */
export async function matchRows(sql: Sql, inputs: readonly PlanInput[], numbering: Numbering): Promise<void> {
  for (const input of inputs) {
    await replaceReferences(sql, input, inputs);
    if (canMatch(input)) await matchTable(sql, input, numbering);
  }
}

/** Columns of the natural key, or none where one of them is not carried, or has no equality to go by. */
export function naturalColumns({ scope, carried }: StageTable): string[] {
  const names = scope.naturalKey ?? [];
  const isUsable = (name: string) => carried.some((column) => column.name === name && !column.viaJson && !column.isJson);
  return names.every(isUsable) ? [...names] : [];
}

/** A key of one column that a sequence fills. */
export function isNumbered({ catalog }: StageTable): boolean {
  const [name, ...more] = catalog.primaryKey;
  return more.length === 0 && catalog.columns.find((column) => column.name === name)!.sequence !== null;
}

export function canMatch({ table, targetEmpty }: PlanInput): boolean {
  return !targetEmpty && naturalColumns(table).length > 0;
}

async function matchTable(sql: Sql, input: PlanInput, numbering: Numbering): Promise<void> {
  const { table } = input;
  await sql.unsafe(isNumbered(table) ? createNumberedSql(table) : createMatchSql(table));
  const [counts] = await sql.unsafe(
    `select count(*)::float8 as rows, (count(*) filter (where fresh))::float8 as fresh from ${table.match}`,
  );
  const [rows, fresh] = [counts!["rows"] as number, counts!["fresh"] as number];
  input.matched = rows - fresh;
  input.renumbered = fresh;
  if (rows === 0) return;
  if (fresh > 0) await giveNumbers(sql, table, numbering, fresh);
  await ownStage(sql, table);
  const set = table.catalog.primaryKey.map((name) => `${quoteIdent(name)} = m.${quoteIdent(name)}`).join(", ");
  await sql.unsafe(`update ${table.stage} s set ${set} from ${table.match} m where m._row = s._row`);
  await sql.unsafe(`analyze ${table.stage}`);
}

/** Makes the rows as they will arrive a table of their own. */
async function ownStage(sql: Sql, table: StageTable): Promise<void> {
  if (table.stage !== table.original) return;
  await sql.unsafe(`create temporary table ${unqualified(table.mapped)} as select * from ${table.original}`);
  table.stage = table.mapped;
}

/** A row of the target and a row `s` of the bundle are the same thing. */
export function sameThing(table: StageTable, target = "t"): string {
  return naturalColumns(table)
    .map((name) => `${target}.${quoteIdent(name)} = s.${quoteIdent(name)}`)
    .join(" and ");
}

function sameKey({ catalog }: StageTable, left: string, right: string): string {
  return catalog.primaryKey.map((name) => `${left}.${quoteIdent(name)} = ${right}.${quoteIdent(name)}`).join(" and ");
}

/**
 * The target's key for every row that is there under another one. A row that is there under its own key is that row; and one
 * row of the target is only one of the bundle's.
 */
function createMatchSql(table: StageTable): string {
  const target = quoteTable(table.catalog);
  const keys = table.catalog.primaryKey.map(quoteIdent);
  const list = keys.join(", ");
  return `create temporary table ${unqualified(table.match)} as
    select distinct on (${list}) _row, ${list}, false as fresh from (
      select distinct on (s._row) s._row, ${keys.map((key) => `t.${key}`).join(", ")}
      from ${table.stage} s join ${target} t on ${sameThing(table)}
      where not exists (select 1 from ${target} e where ${sameKey(table, "e", "s")})
        and not exists (select 1 from ${table.stage} o where ${sameKey(table, "o", "t")})
      order by s._row, ${keys.map((key) => `t.${key}`).join(", ")}
    ) found order by ${list}, _row`;
}

/**
 * The same where the key is a number: who holds the number is another thing. Rows that are there with number and natural key are
 * through at once; in a repeated move, those are all.
 */
function createNumberedSql(table: StageTable): string {
  const target = quoteTable(table.catalog);
  const key = quoteIdent(table.catalog.primaryKey[0]!);
  const given = naturalColumns(table).map((name) => `s.${quoteIdent(name)} is not null`);
  const isOther = `(e.${key} = s.${key} and ${sameThing(table, "e")}) is not true`;
  return `create temporary table ${unqualified(table.match)} as
    select _row, case when place = 1 then ${key} end as ${key}, ${key} is null or place > 1 as fresh from (
      select *, row_number() over (partition by ${key} order by _row) as place from (
        select distinct on (s._row) s._row, s.taken, s.${key} as own, t.${key}
        from (select s.*, e.${key} is not null as taken from ${table.stage} s left join ${target} e on e.${key} = s.${key}
          where ${[...given, isOther].join(" and ")}) s
        left join ${target} t on ${sameThing(table)}
          and not exists (select 1 from ${table.stage} s where s.${key} = t.${key} and ${sameThing(table)})
        order by s._row, t.${key}) open
    ) found where case when ${key} is null or place > 1 then taken else ${key} <> own end`;
}

/**
 * Numbers behind all that are there and all that come. A preview only supposes them; an import draws them from the sequence, so
 * that no writer of the application gets one as well.
 */
async function giveNumbers(sql: Sql, table: StageTable, numbering: Numbering, count: number): Promise<void> {
  const name = table.catalog.primaryKey[0]!;
  const key = quoteIdent(name);
  const sequence = table.catalog.columns.find((column) => column.name === name)!.sequence!;
  const [found] = await sql.unsafe(`select greatest(
      (select max(${key}) from ${quoteTable(table.catalog)}), (select max(${key}) from ${table.stage}), last_value)::text as last,
      last_value::text as drawn from ${sequence}`);
  const { last, drawn } = found as unknown as { last: string; drawn: string };
  if (numbering === "tentative") {
    await sql.unsafe(`update ${table.match} m set ${key} = ${last} + n.place
      from (select _row, row_number() over (order by _row) as place from ${table.match} where fresh) n where n._row = m._row`);
    return;
  }
  if (BigInt(last) > BigInt(drawn)) await sql.unsafe("select setval($1::regclass, $2::text::int8)", [sequence, last]);
  await sql.unsafe(`update ${table.match} m set ${key} = n.number from (
      select r._row, d.number from (select _row, row_number() over (order by _row) as place from ${table.match} where fresh) r
      join (select number, row_number() over (order by number) as place
        from (select nextval('${sequence.replaceAll("'", "''")}') as number from generate_series(1, ${count})) drawn) d using (place)
    ) n where n._row = m._row`);
}
