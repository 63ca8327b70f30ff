import type { Sql } from "postgres";
import type { Outcome, PlanRow, TablePlan } from "../../engine/plan.ts";
import { skippedOutcomes } from "../../engine/plan.ts";
import { quoteIdent, quoteLiteral } from "../database/session.ts";
import { outcomeOf, type PlanInput, plannedRows } from "./plan-input.ts";
import { sampleDeletes } from "./replace/plan-deletes.ts";

const samplesPerOutcome = 5;

/** Counts and samples of one planned table. */
export async function summarize(sql: Sql, input: PlanInput): Promise<TablePlan> {
  const { table, staged } = input;
  const outcomes = await countOutcomes(sql, input);
  return {
    table: table.key,
    rows: staged.rows,
    outcomes,
    matched: input.matched,
    renumbered: input.renumbered,
    reassigned: await countReassigned(sql, input, outcomes.insert ?? 0),
    reference_cleared: await clearedReferences(sql, input),
    dropped_columns: staged.dropped,
    ...(outcomes.not_imported === undefined ? {} : { reason: whyNot(input) }),
    samples: [...(await sampleRows(sql, input)), ...(await sampleDeletes(sql, input, samplesPerOutcome))],
  };
}

/** Of a table whose rows are all inserted as they come. */
export function summarizeDirect({ table, staged }: PlanInput): TablePlan {
  return {
    table: table.key,
    rows: staged.rows,
    outcomes: staged.rows === 0 ? {} : { insert: staged.rows },
    matched: 0,
    renumbered: 0,
    reassigned: table.importer.length > 0 ? staged.rows : 0,
    reference_cleared: {},
    dropped_columns: staged.dropped,
    samples: [],
  };
}

function whyNot({ table, outside, filtered }: PlanInput): string {
  const reasons = [
    ...(filtered ? ["the scope lets no such row out, and none in"] : []),
    ...(outside === undefined || filtered ? [] : ["the row is of an organization that was not asked for"]),
    ...(table.requiredUsers.length === 0 ? [] : ["the user whom the row names is not mapped to one of the target"]),
  ];
  return reasons.join(", or ");
}

/** The columns of an inserted row that get the importer, by the names of the table's columns; without a mapping, all of them. */
export function reassignedSql({ table }: PlanInput): string {
  const cases = table.importer.map((name) => `case when s.${quoteIdent(name)} is null then ${quoteLiteral(name)} end`);
  return `array_remove(array[${cases.join(", ")}]::text[], null)`;
}

export function mapsMakers({ table }: PlanInput): boolean {
  return table.importer.length > 0 && table.mappedUsers.length > 0;
}

async function countReassigned(sql: Sql, input: PlanInput, inserted: number): Promise<number> {
  if (!mapsMakers(input)) return input.table.importer.length > 0 ? inserted : 0;
  const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${plannedRows(input)}
    where ${outcomeOf(input)} = 'insert' and cardinality(${reassignedSql(input)}) > 0`);
  return row!["rows"] as number;
}

async function countOutcomes(sql: Sql, { table, staged, targetEmpty }: PlanInput): Promise<TablePlan["outcomes"]> {
  const counts = await sql.unsafe(`select outcome, count(*)::int8::text as rows from ${table.plan} group by outcome`);
  const outcomes: TablePlan["outcomes"] = {};
  for (const row of counts) outcomes[row["outcome"] as Outcome] = Number(row["rows"]);
  const written = Object.values(outcomes).reduce((sum, rows) => sum + rows, 0);
  if (targetEmpty && staged.rows > written) outcomes.insert = (outcomes.insert ?? 0) + staged.rows - written;
  return outcomes;
}

async function clearedReferences(sql: Sql, { table }: PlanInput): Promise<Record<string, number>> {
  if (table.references.length === 0) return {};
  const columns = table.references.map((_, i) => `count(*) filter (where cleared & ${2 ** i} <> 0)::int8::text as c${i}`);
  const [row] = await sql.unsafe(`select ${columns.join(", ")} from ${table.plan} where outcome = 'insert'`);
  const cleared = table.references.map((reference, i) => [reference.clearable.join(", "), Number(row![`c${i}`])] as const);
  return Object.fromEntries(cleared.filter(([, count]) => count > 0));
}

async function sampleRows(sql: Sql, input: PlanInput): Promise<PlanRow[]> {
  const { plan } = input.table;
  return selectRows(
    sql,
    input,
    `select * from (select *, row_number() over (partition by outcome order by _row) as place from ${plan}
       where outcome not in ('insert', 'identical', 'delete')) numbered where place <= ${samplesPerOutcome}`,
  );
}

/** The rows that do not arrive, up to `limit`. */
export async function skippedRows(sql: Sql, input: PlanInput, limit: number): Promise<PlanRow[]> {
  const skipped = skippedOutcomes.map(quoteLiteral).join(", ");
  return selectRows(sql, input, `select * from ${input.table.plan} where outcome in (${skipped}) order by _row limit ${limit}`);
}

async function selectRows(sql: Sql, { table, matched }: PlanInput, plan: string): Promise<PlanRow[]> {
  // A user who is not mapped is nobody here; the rows that a preview keeps have the bundle's key.
  const key = table.catalog.primaryKey.map((name) => `coalesce(s.${quoteIdent(name)}::text, '')`).join(", ");
  const targetKey = table.catalog.primaryKey.map((name) => `m.${quoteIdent(name)}::text`).join(", ");
  const match = matched === 0 ? "" : `left join ${table.match} m on m._row = p._row and not m.fresh`;
  const rows = await sql.unsafe(`select p._row::text as row, p.outcome, to_json(p.changed) as changed, p."constraint", p.holder,
    to_json(array[${key}]) as key, ${matched === 0 ? "null" : `case when m._row is not null then to_json(array[${targetKey}]) end`} as target_key
    from (${plan}) p join ${table.original} s using (_row) ${match} order by p.outcome, p._row`);
  return rows.map((row) => ({
    outcome: row["outcome"],
    row: Number(row["row"]),
    key: row["key"],
    ...(row["target_key"] === null ? {} : { target_key: row["target_key"] }),
    ...(row["changed"] === null ? {} : { columns: row["changed"] }),
    ...(row["constraint"] === null ? {} : { constraint: row["constraint"] }),
    ...(row["holder"] === null ? {} : { holder: row["holder"] }),
  }));
}

/**
 * SHA-256 over the outcome of every row, with what an update replaces: in blocks, so that no value grows with the table. Plain
 * inserts that are not written down follow from the bundle's hash and the count.
 */
export async function digestTable(sql: Sql, { table, staged }: PlanInput): Promise<string> {
  const blobKey = table.scope.blob === undefined ? "''" : "coalesce(b.state || b.key, '')";
  const rows =
    table.scope.blob === undefined
      ? table.plan
      : `${table.plan} full join (select * from ${table.blobs} where state <> 'kept') b using (_row)`;
  // Written down or not, a plain insert is the same: a table that is empty no more makes no other plan by itself.
  const plain = `outcome = 'insert' and cleared = 0${table.scope.blob === undefined ? "" : " and b.key is null"}`;
  const line = `concat_ws(':', _row, outcome, cleared, changed::text, old_hash, "constraint", holder, ${blobKey})`;
  const [row] =
    await sql.unsafe(`select encode(sha256(convert_to(string_agg(d, '' order by block), 'UTF8')), 'hex') as digest from (
    select _row / 8192 as block, encode(sha256(convert_to(string_agg(${line}, e'\\n' order by _row), 'UTF8')), 'hex') as d
    from ${rows} where (${plain}) is not true group by 1) blocks`);
  return `${staged.rows}:${row!["digest"] ?? ""}`;
}

/** The same of a table without exceptions. */
export function digestDirect({ staged }: PlanInput): string {
  return `${staged.rows}:`;
}
