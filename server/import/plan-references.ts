import { quoteIdent, quoteLiteral, quoteTableKey } from "../database/session.ts";
import type { ResolvedForeignKey } from "../scope/resolve-scope.ts";
import { arrivingOutcomes, outcomeOf, type PlanInput, plannedRows } from "./plan-input.ts";
import type { StageTable } from "./stage-table.ts";

/** The staged rows, or those of them in `rows`, with a column `_miss_N` for each reference: true where the parent is neither in the target nor on its way in. */
export function withMissing(input: PlanInput, rows = input.table.stage): string {
  const { table, inputs } = input;
  const joins: string[] = [];
  const columns = table.references.map((reference, i) => {
    if (inputs.get(reference.parent)?.direct === "awaited") return `false as _miss_${i}`;
    const tests = reference.columns.map((column) => `s.${quoteIdent(column)} is not null`);
    for (const [place, parents] of parentSources(input, reference).entries()) {
      const alias = `parent_${i}_${place}`;
      joins.push(`left join ${parents} ${alias} on ${matchParent(reference, alias)}`);
      tests.push(`${alias}.${quoteIdent(reference.parentColumns[0]!)} is null`);
    }
    return `(${tests.join(" and ")}) as _miss_${i}`;
  });
  if (columns.length === 0) return `select s.* from ${rows} s`;
  return `select s.*, ${columns.join(", ")} from ${rows} s ${joins.join(" ")}`;
}

export function matchParent({ columns, parentColumns }: ResolvedForeignKey, alias: string, child = "s"): string {
  return columns.map((column, k) => `${alias}.${quoteIdent(parentColumns[k]!)} = ${child}.${quoteIdent(column)}`).join(" and ");
}

/** Where a reference's parent can be: in the target, and among the rows that the plan inserts. */
function parentSources({ table, inputs }: PlanInput, reference: ResolvedForeignKey): string[] {
  const parent = inputs.get(reference.parent);
  if (parent === undefined || parent.direct === "copied") return [quoteTableKey(reference.parent)];
  // A self reference or a cycle: the parent's plan is not made yet, and `settleReferences` looks again.
  const open = parent.table.key === table.key || reference.deferred;
  const staged = open ? parent.table.stage : arrivingRows(parent, reference);
  return parent.targetEmpty || parent.mode === "replace" ? [staged] : [quoteTableKey(reference.parent), staged];
}

/** The keys of a table's rows that the plan inserts; where it replaces the table, of all that there will be. */
export function arrivingRows(parent: PlanInput, reference: ResolvedForeignKey): string {
  if (parent.targetEmpty && parent.planned === 0) return parent.table.stage;
  const keys = reference.parentColumns.map((name) => `s.${quoteIdent(name)}`).join(", ");
  return `(select ${keys} from ${plannedRows(parent)} where ${outcomeOf(parent)} in ${arrivingOutcomes(parent)})`;
}

/** A missing parent costs the row its place where the reference may not be empty, else only the reference. */
function cannotBeCleared(reference: ResolvedForeignKey): boolean {
  return reference.clearable.length === 0 && !reference.deferred;
}

/** The name of a foreign key that a row cannot do without and whose parent is missing. */
export function lostSql(table: StageTable): string {
  const cases = table.references.flatMap((reference, i) =>
    cannotBeCleared(reference) ? [`when _miss_${i} then ${quoteLiteral(reference.name)}`] : [],
  );
  return cases.length === 0 ? "null::text" : `case ${cases.join(" ")} end`;
}

export function clearedSql(table: StageTable): string {
  return table.references.map((_, i) => `case when _miss_${i} then ${2 ** i} else 0 end`).join(" + ") || "0";
}
