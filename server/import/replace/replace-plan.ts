import type { Sql } from "postgres";
import type { ReplacePlan } from "../../../engine/plan.ts";
import type { Catalog } from "../../database/catalog.ts";
import { quoteTableKey } from "../../database/session.ts";
import { keySql } from "../../scope/blob-sql.ts";
import type { Scope } from "../../scope/define-scope.ts";
import { own } from "../../scope/own.ts";
import type { BlobDecision } from "../decide-blob.ts";
import { finalRow } from "../plan-final.ts";
import { arrivingOutcomes, joinOn, type PlanInput } from "../plan-input.ts";
import { findGoneRows, type GoneRows } from "./gone-rows.ts";
import { findLosses } from "./losses.ts";
import { planDeletes } from "./plan-deletes.ts";

export interface ReplaceContext {
  scope: Scope;
  catalog: Catalog;
  /** Tables of the scope that the bundle does not hold. */
  kept: Record<string, string>;
}

/** Plans what a replacement deletes, once it is known which of the bundle's rows arrive, and what else goes with it. */
export async function planReplacement(sql: Sql, inputs: readonly PlanInput[], context: ReplaceContext): Promise<ReplacePlan> {
  const gone = await findGoneRows(sql, inputs, context.catalog);
  await planDeletes(sql, gone);
  return {
    occupied: await countOccupied(sql, context.scope),
    lost: await findLosses(sql, gone, inputs, context.catalog),
    admins: await countAdmins(sql, inputs, gone, context.scope),
    kept: context.kept,
    objects_replaced: 0,
    objects_removed: await countObjects(sql, gone, context.scope),
  };
}

/** What an admin agrees to. How much there is of what stays may change meanwhile. */
export function digestReplacement({ occupied, lost, admins, kept }: ReplacePlan): string {
  return JSON.stringify([Object.keys(occupied), lost, admins, kept]);
}

export function countReplaced(decisions: readonly BlobDecision[]): number {
  return decisions.filter(({ final, state }) => final !== null && state !== "missing").length;
}

async function countOccupied(sql: Sql, { replace }: Scope): Promise<Record<string, number>> {
  const occupied: Record<string, number> = {};
  for (const table of replace?.occupiedBy ?? []) {
    const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${quoteTableKey(table)}`);
    if (row!["rows"] > 0) occupied[table] = row!["rows"] as number;
  }
  return occupied;
}

async function countAdmins(sql: Sql, inputs: readonly PlanInput[], gone: readonly GoneRows[], { users }: Scope): Promise<number> {
  const input = inputs.find(({ table }) => table.key === users.table);
  const leaving = gone.find(({ catalog }) => catalog.key === users.table);
  const stays =
    leaving === undefined
      ? ""
      : ` where not exists (select 1 from ${leaving.name} g where ${joinOn(leaving.catalog.primaryKey, "g", "u")})`;
  const rows =
    input === undefined
      ? `(select * from ${quoteTableKey(users.table)} u${stays}) u`
      : `(select * from (${finalRow(input)}) f where _outcome in ${arrivingOutcomes(input)}) u`;
  const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${rows} where (${users.admin})`);
  return row!["rows"] as number;
}

/** Objects of the rows that go. One that another row has as well stays, and is counted all the same. */
async function countObjects(sql: Sql, gone: readonly GoneRows[], { tables }: Scope): Promise<number> {
  let objects = 0;
  for (const { catalog, input, name } of gone) {
    const blob = own(tables, catalog.key)?.blob;
    if (blob === undefined) continue;
    const direct = input === undefined ? "true" : "g.direct";
    const [row] = await sql.unsafe(`select count(${keySql(blob, "t")})::float8 as objects
      from ${quoteTableKey(catalog.key)} t join ${name} g on ${joinOn(catalog.primaryKey, "g", "t")} where ${direct}`);
    objects += row!["objects"] as number;
  }
  return objects;
}
