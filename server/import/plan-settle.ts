import type { Sql } from "postgres";
import { quoteIdent, quoteLiteral, quoteTableKey } from "../database/session.ts";
import type { ResolvedForeignKey } from "../scope/resolve-scope.ts";
import { clearedOf, outcomeOf, type PlanInput, plannedRows } from "./plan-input.ts";
import { arrivingRows, matchParent } from "./plan-references.ts";

/**
 * References within a table, and those that point forward in a cycle, were planned as if every staged parent arrived. Now
 * that the outcomes are known, those without a parent are emptied, or their rows skipped, until nothing moves any more.
 * @returns whether anything moved.
 */
export async function settleReferences(sql: Sql, inputs: readonly PlanInput[]): Promise<boolean> {
  let anyMoved = false;
  const open = inputs.flatMap((input) =>
    input.table.references.flatMap((reference, place) =>
      input.direct === undefined && (reference.deferred || reference.parent === input.table.key)
        ? [{ input, reference, place }]
        : [],
    ),
  );
  for (let moved = true; moved; ) {
    moved = false;
    for (const { input, reference, place } of open) {
      if (allArrive(input, reference)) continue;
      const { count } = await sql.unsafe(settleSql(input, reference, place));
      input.planned += count;
      anyMoved ||= count > 0;
      // An emptied reference takes no other row's parent away; a skipped row does.
      if (count > 0 && reference.clearable.length === 0) moved = true;
    }
  }
  return anyMoved;
}

/** What was assumed has come true. */
function allArrive({ inputs }: PlanInput, { parent }: ResolvedForeignKey): boolean {
  const planned = inputs.get(parent);
  if (planned?.direct !== undefined) return planned.direct === "awaited";
  return planned?.targetEmpty === true && planned.planned === 0;
}

function settleSql(input: PlanInput, reference: ResolvedForeignKey, place: number): string {
  const { table, inputs } = input;
  const bit = 2 ** place;
  const parent = inputs.get(reference.parent);
  const arriving =
    parent === undefined || parent.direct !== undefined
      ? ""
      : `and not exists (select 1 from ${arrivingRows(parent, reference)} a where ${matchParent(reference, "a")})`;
  const live =
    parent?.mode === "replace"
      ? ""
      : `and not exists (select 1 from ${quoteTableKey(reference.parent)} live where ${matchParent(reference, "live")})`;
  const given = reference.columns.map((column) => `s.${quoteIdent(column)} is not null`).join(" and ");
  const { outcome, name, changed } = consequence(input, reference);
  return `insert into ${table.plan} (_row, outcome, cleared, changed, old_hash, "constraint")
    select s._row, ${outcome}, ${clearedOf(input)} | ${bit}, ${changed}, p.old_hash, ${name}
    from ${plannedRows(input)}
    where ${outcomeOf(input)} in ('insert', 'update', 'metadata_update'${input.mode === "replace" ? ", 'identical'" : ""}) and ${clearedOf(input)} & ${bit} = 0 and ${given}
      ${live} ${arriving}
    on conflict (_row) do update set outcome = excluded.outcome, cleared = excluded.cleared, changed = excluded.changed,
      "constraint" = excluded."constraint"`;
}

/** A row that needs its parent is skipped; another one loses the reference, or keeps the one it has where it exists already. */
function consequence(input: PlanInput, reference: ResolvedForeignKey) {
  if (reference.clearable.length === 0) {
    return { outcome: "'missing_parent'", name: quoteLiteral(reference.name), changed: "null::text[]" };
  }
  const changed = reference.columns.reduce((list, column) => `array_remove(${list}, ${quoteLiteral(column)})`, "p.changed");
  const current = outcomeOf(input);
  const outcome = `case when ${current} <> 'insert' and cardinality(${changed}) = 0 then 'identical' else ${current} end`;
  return { outcome, name: 'p."constraint"', changed };
}
