import type { Sql } from "postgres";
import { quoteIdent, quoteLiteral, quoteTable } from "../database/session.ts";
import type { ResolvedForeignKey } from "../scope/resolve-scope.ts";
import type { PlanInput } from "./plan-sql.ts";

/**
 * References within a table, and those that point forward in a cycle, were planned as if every staged parent arrived. Now
 * that the outcomes are known, those without a parent are emptied, or their rows skipped, until nothing moves any more.
 */
export async function settleReferences(sql: Sql, inputs: readonly PlanInput[]): Promise<void> {
  const open = inputs.flatMap((input) =>
    input.table.references.flatMap((reference, place) =>
      reference.deferred || reference.parent === input.table.key ? [{ input, reference, place }] : [],
    ),
  );
  for (let moved = true; moved; ) {
    moved = false;
    for (const { input, reference, place } of open) {
      const result = await sql.unsafe(settleSql(input, reference, place));
      // An emptied reference takes no other row's parent away; a skipped row does.
      if (result.count > 0 && reference.clearable.length === 0) moved = true;
    }
  }
}

function settleSql(input: PlanInput, reference: ResolvedForeignKey, place: number): string {
  const { table, tables } = input;
  const pairs = reference.columns.map((column, k) => ({ column, parent: reference.parentColumns[k]! }));
  const match = (alias: string) =>
    pairs.map((pair) => `${alias}.${quoteIdent(pair.parent)} = s.${quoteIdent(pair.column)}`).join(" and ");
  const given = pairs.map(({ column }) => `s.${quoteIdent(column)} is not null`).join(" and ");
  const parent = tables.get(reference.parent);
  const [schema, name] = reference.parent.includes(".") ? reference.parent.split(/\.(.*)/s) : ["public", reference.parent];
  const arriving =
    parent === undefined
      ? ""
      : `and not exists (select 1 from ${parent.stage} ps join ${parent.plan} pp using (_row) where pp.outcome = 'insert' and ${match("ps")})`;
  return `update ${table.plan} p set ${consequence(reference, place)} from ${table.stage} s
    where s._row = p._row and p.outcome in ('insert', 'update', 'metadata_update') and p.cleared & ${2 ** place} = 0 and ${given}
      and not exists (select 1 from ${quoteTable({ schema: schema!, name: name! })} live where ${match("live")}) ${arriving}`;
}

function consequence(reference: ResolvedForeignKey, place: number): string {
  if (reference.clearable.length === 0) return `outcome = 'missing_parent', "constraint" = ${quoteLiteral(reference.name)}`;
  // An existing row keeps the reference it has.
  const kept = reference.columns.reduce((changed, column) => `array_remove(${changed}, ${quoteLiteral(column)})`, "p.changed");
  return `cleared = p.cleared | ${2 ** place}, changed = ${kept},
    outcome = case when p.outcome <> 'insert' and cardinality(${kept}) = 0 then 'identical' else p.outcome end`;
}
