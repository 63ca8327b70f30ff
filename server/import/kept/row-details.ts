import { quoteIdent, quoteLiteral } from "../../database/session.ts";
import { comparableTarget, comparableValue, comparedColumns, contentColumns, differs } from "../plan-compare.ts";
import { finalValue } from "../plan-final.ts";
import { blobsOf, joinOn, outcomeOf, type PlanInput, plannedRows } from "../plan-input.ts";
import { withMissing } from "../plan-references.ts";
import { reassignedSql } from "../plan-summary.ts";
import { type StageColumn, stagedValue } from "../stage-table.ts";

/** Longer values are cut: a page of rows must stay a page. */
export const longestValue = 65_536;

/** Distinguishes two plans of one row: whatever of it the digest covers. */
export const stampSql = `md5(concat_ws(':', p.outcome, p.cleared, p.changed::text, p.old_hash, p."constraint", p.holder))`;

/**
 * COPY of every planned row of which there is more to say than that it is new or the same: outcome, row, whether references are
 * cleared, and the rest as JSON, in a form that no value can break out of.
 */
export function copyDetailsSql(input: PlanInput): string {
  return `copy (${detailsSql(input)}) to stdout (format csv, quote e'\\x01', delimiter e'\\x02', encoding 'UTF8')`;
}

function detailsSql(input: PlanInput): string {
  const { table } = input;
  const cleared = table.references.map((reference, i) => {
    const names = reference.clearable.map(quoteLiteral).join(", ");
    return `case when p.cleared & ${2 ** i} <> 0 then array[${names}]::text[] end`;
  });
  const clearedColumns =
    cleared.length === 0 ? "null::text[]" : `nullif(${cleared.map((sql) => `coalesce(${sql}, '{}')`).join(" || ")}, '{}')`;
  const notes = `case when p.outcome = 'insert' then ${clearedColumns} end`;
  const telling = "p.outcome not in ('insert', 'identical', 'delete') or p.cleared <> 0 and p.outcome = 'insert'";
  // Without OFFSET 0, PostgreSQL would look for the parents of all rows before it sees that most have nothing to tell.
  const rows = `(select s.* from ${table.plan} p join ${table.stage} s on s._row = p._row where ${telling} offset 0)`;
  return `select p.outcome, p._row, case when p.outcome = 'insert' and p.cleared <> 0 then 1 else 0 end as cleared,
      json_build_object('stamp', ${stampSql}, 'columns', p.changed, 'constraint', p."constraint", 'holder', p.holder,
        'reference_cleared', ${notes}, 'changes', ${changesSql(input)})
    from ${table.plan} p join (${withMissing(input, rows)}) s using (_row)
    left join ${comparableTarget(table)} t on ${joinOn(table.catalog.primaryKey, "t", "s")}
    left join ${blobsOf(table)} b on b._row = p._row
    where ${telling} order by p._row`;
}

/** Old and new value of each column that changes, or that differs and stays. */
function changesSql(input: PlanInput): string {
  const { table } = input;
  if (input.targetEmpty) return "null";
  const compared = comparedColumns(table, input.staged);
  const content = contentColumns(table).map((name) => table.carried.find((column) => column.name === name)!);
  const rows = [
    ...compared.map((column) => valueRow(input, column, differs(input, column))),
    ...content.map((column) => valueRow(input, column, "false")),
  ];
  if (rows.length === 0) return "null";
  const cut = (value: string) => `left(${value}, ${longestValue})`;
  return `case when p.outcome in ('update', 'metadata_update', 'keep', 'append_only', 'other_tenant') then (
    select json_agg(json_build_object('column', name, 'old', ${cut("old")}, 'new', ${cut("new")},
      'cut', greatest(length(old), length(new)) > ${longestValue}))
    from (values ${rows.join(", ")}) v(name, old, new, differs)
    where case when p.outcome in ('update', 'metadata_update') then name = any(p.changed) else differs end) end`;
}

function valueRow(input: PlanInput, column: StageColumn, different: string): string {
  const { table } = input;
  const next = table.references.some(({ columns }) => columns.includes(column.name))
    ? stagedValue(column)
    : finalValue(input, column.name);
  return `(${quoteLiteral(column.name)}, (${comparableValue(table, column)})::text, (${next})::text, ${different})`;
}

/** COPY of where runs of rows with one outcome begin, with the row before each: all that a million equal outcomes come to. */
export function copyRunsSql({ table }: PlanInput): string {
  return `copy (
    select outcome, _row, coalesce(before, 0) from (
      select _row, outcome, lag(_row) over w as before, lag(outcome) over w as previous from ${table.plan} window w as (order by _row)
    ) walked where previous is distinct from outcome or before <> _row - 1 order by _row
  ) to stdout (format csv, quote e'\\x01', delimiter e'\\x02')`;
}

/** COPY of the rows that are in the target under another key, with that key, and of those that get a new number. */
export function copyMatchesSql({ table }: PlanInput): string {
  const key = table.catalog.primaryKey.map((name) => `${quoteIdent(name)}::text`).join(", ");
  return `copy (select _row, case when fresh then 1 else 0 end, json_build_object('target_key', array[${key}])
    from ${table.match} order by _row) to stdout (format csv, quote e'\\x01', delimiter e'\\x02', encoding 'UTF8')`;
}

/** COPY of the inserted rows that get the importer, with the columns, where users are mapped. */
export function copyReassignedSql(input: PlanInput): string {
  return `copy (select _row, json_build_object('reassigned', columns) from (
      select s._row, ${reassignedSql(input)} as columns from ${plannedRows(input)} where ${outcomeOf(input)} = 'insert'
    ) r where cardinality(columns) > 0 order by _row) to stdout (format csv, quote e'\\x01', delimiter e'\\x02', encoding 'UTF8')`;
}

/** COPY of the keys of the rows that would be deleted. */
export function copyDeletesSql({ table }: PlanInput): string {
  return `copy (select json_build_object('stamp', ${stampSql}, 'key', p.holder::json) from ${table.plan} p where p.outcome = 'delete'
    order by p._row) to stdout (format csv, quote e'\\x01', delimiter e'\\x02', encoding 'UTF8')`;
}

export function lastRowSql({ table }: PlanInput): string {
  return `select coalesce(max(_row), 0)::float8 as last from ${table.plan}`;
}
