import type { Sql } from "postgres";
import type { BlobPlan } from "../../engine/plan.ts";
import { quoteIdent, quoteTable } from "../database/session.ts";
import { keyColumn, keySql } from "../scope/blob-sql.ts";
import { type BlobContext, type BlobDecision, type Candidate, decideBlob } from "./decide-blob.ts";
import { inParallel } from "./in-parallel.ts";
import { joinOn, outcomeOf, type PlanInput, plannedRows } from "./plan-input.ts";
import { unqualified } from "./stage-table.ts";

/**
 * Decides for every row that is new, or whose content differs from the target's, where its object comes from and under
 * which key it will be. Reads the store and changes nothing.
 */
export async function planBlobs(sql: Sql, input: PlanInput, context: BlobContext): Promise<BlobDecision[]> {
  const candidates = await sql.unsafe(candidatesSql(input));
  const decisions = await inParallel(candidates as unknown as Candidate[], 16, (candidate) =>
    decideBlob(candidate, input, context),
  );
  await writeDecisions(sql, input, decisions);
  return decisions;
}

/** Decisions that an import took when it began another way, made known to the session again. */
export async function repeatBlobs(sql: Sql, input: PlanInput, decisions: BlobDecision[]): Promise<BlobDecision[]> {
  await writeDecisions(sql, input, decisions);
  return decisions;
}

function candidatesSql({ table, mode, targetEmpty }: PlanInput): string {
  const blob = table.scope.blob!;
  const key = table.catalog.primaryKey;
  const target = targetEmpty ? `(select * from ${quoteTable(table.catalog)} where false)` : quoteTable(table.catalog);
  const column = (alias: string, name: string) => `${alias}.${quoteIdent(name)}`;
  const differs = [blob.size, blob.sha256]
    .filter((name) => name !== undefined)
    .map((name) => `${column("t", name)} is distinct from ${column("s", name)}`)
    .join(" or ");
  const own = key.map((name) => `${column("o", name)} = ${column("s", name)}`).join(" and ");
  // A key that follows from the row is no other row's.
  const held =
    keyColumn(blob) === undefined
      ? { taken: "false", join: "" }
      : { taken: "o is not null", join: `left join ${target} o on ${keySql(blob, "o")} = ${keySql(blob, "s")} and not (${own})` };
  return `select s._row::int4 as row, ${column("s", blob.id)}::text as id, ${keySql(blob, "s")}::text as key,
      ${column("s", blob.size)}::float8 as size, ${column("t", key[0]!)} is not null as existing, ${held.taken} as taken,
      ${keySql(blob, "t")}::text as current, ${keyColumn(blob) === undefined} as fixed
    from ${table.stage} s left join ${target} t on ${joinOn(key, "t", "s")}
    ${held.join}
    where ${mode === "replace" ? "true" : `${column("t", key[0]!)} is null or ${differs}`} order by s._row`;
}

async function writeDecisions(sql: Sql, { table }: PlanInput, decisions: BlobDecision[]): Promise<void> {
  await sql.unsafe(
    `create temporary table ${unqualified(table.blobs)} (_row int8 primary key, state text not null, key text not null)`,
  );
  for (let i = 0; i < decisions.length; i += 1000) {
    const part = decisions.slice(i, i + 1000).map(({ row, state, key }) => ({ row, state, key }));
    await sql.unsafe(
      `insert into ${table.blobs} select row, state, key from json_to_recordset($1::text::json) as r(row int8, state text, key text)`,
      [JSON.stringify(part)],
    );
  }
  await sql.unsafe(`analyze ${table.blobs}`);
}

/** The decisions about rows that the plan lets in, or keeps out for want of their object; a replaced row may be the same and lack it. */
export async function settledBlobs(sql: Sql, input: PlanInput, decisions: readonly BlobDecision[]): Promise<BlobDecision[]> {
  const same = input.mode === "replace" ? ", 'identical'" : "";
  const rows = await sql.unsafe(
    `select _row::int4 as row from ${plannedRows(input)} where ${outcomeOf(input)} in ('insert', 'update', 'blob_missing'${same})`,
  );
  const applied = new Set(rows.map((row) => row["row"] as number));
  return decisions.filter((decision) => applied.has(decision.row) && decision.state !== "kept");
}

export function summarizeBlobs(decisions: readonly BlobDecision[]): BlobPlan {
  const summary: BlobPlan = { write: 0, bytes: 0, present: 0, rekeyed: 0, missing: 0 };
  for (const { state, size, key, original, final } of decisions) {
    if (state === "kept") continue;
    summary[state]++;
    if (state === "write") summary.bytes += size;
    if (state !== "missing" && final === null && original !== key) summary.rekeyed++;
  }
  return summary;
}
