import type { ConflictMode } from "../../engine/plan.ts";
import { quoteIdent } from "../database/session.ts";
import { changedColumns, comparableTarget, sameRow } from "./plan-compare.ts";
import { blobsOf, joinOn, type PlanInput } from "./plan-input.ts";
import { clearedSql, lostSql, withMissing } from "./plan-references.ts";
import { type StageTable, unqualified } from "./stage-table.ts";

/**
 * The plan table has a row for every staged row: its outcome, which references it must give up (a bit for each of
 * `references`), which columns an update changes, and a hash of the target's row that an update would replace. Where the
 * target's table is empty, nearly every row is a plain insert, and only the others are written down.
 */
export function createPlanSql(input: PlanInput): string[] {
  const { plan } = input.table;
  return [
    `drop table if exists ${plan}`,
    `create temporary table ${unqualified(plan)} as ${input.targetEmpty ? exceptionsSql(input) : outcomesSql(input)}`,
    `alter table ${plan} add primary key (_row)`,
    `analyze ${plan}`,
  ];
}

function exceptionsSql(input: PlanInput): string {
  const { table } = input;
  return `select _row, outcome, cleared, null::text[] as changed, null::text as old_hash,
      case when outcome = 'missing_parent' then lost end as "constraint", null::text as holder
    from (
      select _row, cleared, lost,
        case ${keptOutCase(input)} when lost is not null then 'missing_parent' when blob_state = 'missing' then 'blob_missing' else 'insert' end as outcome
      from (
        select s._row, b.state as blob_state, ${keptOutSql(input)} as kept_out, ${lostSql(table)} as lost, ${clearedSql(table)} as cleared
        from (${withMissing(input)}) s left join ${blobsOf(table)} b on b._row = s._row offset 0
      ) compared
    ) decided where outcome <> 'insert' or cleared <> 0`;
}

function outcomesSql(input: PlanInput): string {
  const { table } = input;
  const key = table.catalog.primaryKey;
  const changed = changedColumns(input);
  // OFFSET 0 keeps the comparison from being evaluated once for each of its mentions.
  return `select _row, outcome, cleared, case when outcome in ('update', 'metadata_update') then changed end as changed,
      case when outcome in ('update', 'metadata_update') then md5(old::text) end as old_hash,
      case when outcome = 'missing_parent' then lost end as "constraint", null::text as holder
    from (
      select _row, cleared, changed, old, lost, ${outcomeSql(input, changed !== null)} as outcome
      from (
        select s._row, row(t.*) as old, t.${quoteIdent(key[0]!)} is not null as existing, b.state as blob_state,
          ${otherTenant(table)} as other_tenant, ${keptOutSql(input)} as kept_out, ${sameRow(input)} as same, ${changed ?? "null::text[]"} as changed,
          ${lostSql(table)} as lost, ${clearedSql(table)} as cleared
        from (${withMissing(input)}) s
        left join ${comparableTarget(table)} t on ${joinOn(key, "t", "s")}
        left join ${blobsOf(table)} b on b._row = s._row
        offset 0
      ) compared
    ) decided`;
}

/** A row of a tenant that was not asked for, or without a user whom it needs: nobody in the target is meant. */
function keptOutSql({ table, outside }: PlanInput): string {
  const unmapped = table.requiredUsers.map((name) => `s.${quoteIdent(name)} is null`);
  return [...unmapped, ...(outside === undefined ? [] : [outside])].join(" or ") || "false";
}

function keptOutCase({ table, outside }: PlanInput): string {
  return table.requiredUsers.length === 0 && outside === undefined ? "" : "when kept_out then 'not_imported'";
}

function otherTenant(table: StageTable): string {
  const { tenant } = table.scope;
  if (tenant === undefined || table.catalog.primaryKey.includes(tenant)) return "false";
  return `t.${quoteIdent(tenant)} is distinct from s.${quoteIdent(tenant)}`;
}

function outcomeSql(input: PlanInput, comparable: boolean): string {
  const { mode, table } = input;
  if (mode === "replace") return replacingOutcome(input);
  const existing = existingOutcome(mode, table, comparable);
  return `case ${keptOutCase(input)}
    when existing and other_tenant then 'other_tenant'
    when existing then ${existing}
    when lost is not null then 'missing_parent'
    when blob_state = 'missing' then 'blob_missing'
    else 'insert' end`;
}

/** The table will hold the bundle's rows and no others: what a row needs must be in the bundle, whether the row is there or not. */
function replacingOutcome(input: PlanInput): string {
  return `case ${keptOutCase(input)}
    when lost is not null then 'missing_parent'
    when blob_state = 'missing' then 'blob_missing'
    when not existing then 'insert'
    when cardinality(changed) = 0 then 'identical' else 'update' end`;
}

function existingOutcome(mode: ConflictMode, table: StageTable, comparable: boolean): string {
  if (mode !== "skip_existing" && table.scope.appendOnly === true)
    return "case when same then 'identical' else 'append_only' end";
  if (mode === "skip_existing" || !comparable) return "case when same then 'identical' else 'keep' end";
  if (mode === "merge") return "case when cardinality(changed) = 0 then 'identical' else 'update' end";
  return "case when cardinality(changed) > 0 then 'metadata_update' when same then 'identical' else 'keep' end";
}
