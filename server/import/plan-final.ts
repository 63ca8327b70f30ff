import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import { presentSql, referencesOf } from "./plan-compare.ts";
import { blobsOf, clearedOf, joinOn, outcomeOf, type PlanInput, plannedRows } from "./plan-input.ts";
import { stagedValue } from "./stage-table.ts";

/**
 * The rows as they would be stored, under the names of the target's columns, so that expressions of its indexes can be
 * evaluated over them. References that point forward are still there.
 */
export function finalRow(input: PlanInput): string {
  const { table, targetEmpty } = input;
  const key = table.catalog.primaryKey;
  const values = table.catalog.columns.map(({ name }) => {
    const inserted = finalValue(input, name);
    const kept = `p.outcome <> 'insert' and not ${quoteLiteral(name)} = any(coalesce(p.changed, '{}'))`;
    const value =
      targetEmpty || key.includes(name) ? inserted : `case when ${kept} then t.${quoteIdent(name)} else ${inserted} end`;
    return `${value} as ${quoteIdent(name)}`;
  });
  const target = targetEmpty ? "" : `left join ${quoteTable(table.catalog)} t on ${joinOn(key, "t", "s")}`;
  return `select s._row, ${outcomeOf(input)} as _outcome, ${values.join(", ")} from ${plannedRows(input)}
    left join ${blobsOf(table)} b on b._row = s._row ${target}`;
}

/** A column's value on insert. Columns that are not carried have the value that their default gives, or none. */
export function finalValue(input: PlanInput, name: string): string {
  const { table, importer, staged } = input;
  const column = table.carried.find((carried) => carried.name === name);
  const type = table.catalog.columns.find((candidate) => candidate.name === name)!.type;
  if (table.importer.includes(name)) {
    const own = `${quoteLiteral(importer)}::${type}`;
    return table.mappedUsers.includes(name) ? `coalesce(s.${quoteIdent(name)}, ${own})` : own;
  }
  if (column === undefined) return `null::${type}`;
  const value = name === table.scope.blob?.key ? `coalesce(b.key, ${stagedValue(column)})` : stagedValue(column);
  const cases = referencesOf(table, name)
    .filter((i) => table.references[i]!.clearable.includes(name))
    .map((i) => `when ${clearedOf(input)} & ${2 ** i} <> 0 then null`);
  if (staged.ragged.has(name)) cases.push(`when not ${presentSql(table, column)} then ${column.default ?? "null"}`);
  return cases.length === 0 ? value : `case ${cases.join(" ")} else ${value} end`;
}
