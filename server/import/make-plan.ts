import { createHash } from "node:crypto";
import type { Sql } from "postgres";
import type { ConflictMode, ImportChoices, Plan, PlannedUser, TablePlan } from "../../engine/plan.ts";
import { quoteTable } from "../database/session.ts";
import type { BlobDecision } from "./decide-blob.ts";
import { digestMatches } from "./match/digest-matches.ts";
import { canMatch } from "./match/match-rows.ts";
import { settledBlobs, summarizeBlobs } from "./plan-blobs.ts";
import type { PlanInput } from "./plan-input.ts";
import { settleReferences } from "./plan-settle.ts";
import { createPlanSql } from "./plan-sql.ts";
import { digestTable, summarize } from "./plan-summary.ts";
import { markUniqueConflicts } from "./plan-unique.ts";
import { countReplaced, digestReplacement, planReplacement, type ReplaceContext } from "./replace/replace-plan.ts";
import type { StageTable } from "./stage-table.ts";

export interface PlanContext {
  inputs: PlanInput[];
  mode: ConflictMode;
  choices: ImportChoices;
  importer: string;
  /** SHA-256 of checksums.json, which covers every other byte. */
  bundleSha256: string;
  /** Tables of the bundle that stay out, counted and with the reason. */
  notImported: TablePlan[];
  blobs: ReadonlyMap<string, BlobDecision[]>;
  users: PlannedUser[];
  /** In mode `replace`. */
  replace?: ReplaceContext;
  warnings: string[];
}

/**
 * Plans the import against the target as it is now, table by table, in the session's own temporary tables; an earlier plan of
 * the same session is replaced. Changes nothing else.
 */
export async function makePlan(sql: Sql, context: PlanContext): Promise<Plan> {
  for (const input of context.inputs) input.targetEmpty = await isEmpty(sql, input.table);
  for (const input of context.inputs) {
    for (const statement of createPlanSql(input)) await sql.unsafe(statement);
    await markUniqueConflicts(sql, input);
    input.planned = await countPlanned(sql, input);
  }
  await settleReferences(sql, context.inputs);
  const replace = context.replace === undefined ? undefined : await planReplacement(sql, context.inputs, context.replace);
  const tables: TablePlan[] = [];
  const digest = createHash("sha256").update(
    JSON.stringify([context.bundleSha256, context.mode, context.choices, context.importer]),
  );
  const decisions: BlobDecision[] = [];
  for (const input of context.inputs) {
    tables.push(await summarize(sql, input));
    digest.update(`${input.table.key}:${await digestTable(sql, input)}\n`);
    if (context.choices.match_natural_keys && canMatch(input)) digest.update(await digestMatches(sql, input));
    const blobs = context.blobs.get(input.table.key);
    if (blobs !== undefined) decisions.push(...(await settledBlobs(sql, input, blobs)));
  }
  if (replace !== undefined) {
    replace.objects_replaced = countReplaced(decisions);
    digest.update(digestReplacement(replace));
  }
  return {
    bundle_sha256: context.bundleSha256,
    mode: context.mode,
    choices: context.choices,
    digest: digest.digest("hex"),
    tables: [...tables, ...context.notImported],
    blobs: summarizeBlobs(decisions),
    users: context.users,
    ...(replace && { replace }),
    warnings: context.warnings,
  };
}

async function countPlanned(sql: Sql, { table }: PlanInput): Promise<number> {
  const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${table.plan}`);
  return row!["rows"] as number;
}

export async function isEmpty(sql: Sql, table: StageTable): Promise<boolean> {
  return (await sql.unsafe(`select 1 from ${quoteTable(table.catalog)} limit 1`)).length === 0;
}
