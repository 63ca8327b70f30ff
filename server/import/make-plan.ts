import { createHash } from "node:crypto";
import type { Sql } from "postgres";
import type { ConflictMode, ImportChoices, Plan, PlannedUser, TablePlan } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { quoteTable } from "../database/session.ts";
import type { BlobDecision } from "./decide-blob.ts";
import { digestMatches } from "./match/digest-matches.ts";
import { canMatch } from "./match/match-rows.ts";
import { settledBlobs, summarizeBlobs } from "./plan-blobs.ts";
import type { PlanInput } from "./plan-input.ts";
import { settleReferences } from "./plan-settle.ts";
import { createPlanSql } from "./plan-sql.ts";
import { digestDirect, digestTable, summarize, summarizeDirect } from "./plan-summary.ts";
import { markUniqueConflicts } from "./plan-unique.ts";
import { countReplaced, digestReplacement, planReplacement, type ReplaceContext } from "./replace/replace-plan.ts";
import type { StageTable } from "./stage-table.ts";
import type { UserIds } from "./users/user-ids.ts";

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
  /** Those whom rows named so far. */
  users: () => Promise<PlannedUser[]>;
  userIds: UserIds;
  bundle: Bundle;
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
  for (const input of context.inputs) if (input.direct === undefined) await planTable(sql, input);
  await settleReferences(sql, context.inputs);
  return summarizePlan(sql, context);
}

/** The outcome of every row of a table, those of its parents being known. */
export async function planTable(sql: Sql, input: PlanInput): Promise<void> {
  for (const statement of createPlanSql(input)) await sql.unsafe(statement);
  await markUniqueConflicts(sql, input);
  input.planned = await countPlanned(sql, input);
}

/** The plan that the tables of the session add up to. */
export async function summarizePlan(sql: Sql, context: PlanContext): Promise<Plan> {
  const replace = context.replace === undefined ? undefined : await planReplacement(sql, context.inputs, context.replace);
  const tables: TablePlan[] = [];
  const digest = createHash("sha256").update(
    JSON.stringify([context.bundleSha256, context.mode, context.choices, context.importer]),
  );
  const decisions: BlobDecision[] = [];
  for (const input of context.inputs) {
    tables.push(input.direct === undefined ? await summarize(sql, input) : summarizeDirect(input));
    digest.update(`${input.table.key}:${input.direct === undefined ? await digestTable(sql, input) : digestDirect(input)}\n`);
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
    users: await context.users(),
    ...(replace && { replace }),
    warnings: [...context.warnings, ...context.inputs.flatMap(strippedDocuments)],
  };
}

function strippedDocuments({ table, staged }: PlanInput): string[] {
  return [...staged.stripped].map(([column, count]) => {
    const rows = count === 1 ? "1 row" : `${count} rows`;
    return `${table.key}: ${rows} had members in ${column} that this scope lets neither out nor in, and arrive without them`;
  });
}

async function countPlanned(sql: Sql, { table }: PlanInput): Promise<number> {
  const [row] = await sql.unsafe(`select count(*)::float8 as rows from ${table.plan}`);
  return row!["rows"] as number;
}

export async function isEmpty(sql: Sql, table: StageTable): Promise<boolean> {
  return (await sql.unsafe(`select 1 from ${quoteTable(table.catalog)} limit 1`)).length === 0;
}
