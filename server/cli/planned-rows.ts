import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Outcome, Plan, PlannedRow, ValueChange } from "../../engine/plan.ts";
import { outcomes } from "../../engine/plan.ts";
import { PlanReader } from "../import/kept/read-plan.ts";
import type { Context } from "./command.ts";
import { temporaryFiles } from "./interrupt.ts";
import { count } from "./numbers.ts";
import type { Paint } from "./paint.ts";
import { reasons } from "./plan-text.ts";
import { safeName } from "./safe-text.ts";

/** Rows of a plan by table and outcome. */
export type RowsByOutcome = Record<string, Partial<Record<Outcome, PlannedRow[]>>>;

/** A folder for the rows of a plan, as long as `work` takes. */
export async function withPlanFolder<T>({ settings }: Context, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = join(settings.home, "spool");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = join(parent, `${randomBytes(8).toString("hex")}.plan`);
  temporaryFiles.add(folder);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    temporaryFiles.forget(folder);
  }
}

/** Up to `most` rows of each table and outcome that a preview kept in `folder`. */
export async function readRows(folder: string, most: number, wanted: readonly Outcome[]): Promise<RowsByOutcome> {
  const reader = await PlanReader.open(folder);
  const rows: RowsByOutcome = {};
  for (const { table, outcomes: found } of reader.plan.tables) {
    const listed: RowsByOutcome[string] = {};
    for (const outcome of wanted) {
      if (found[outcome]) listed[outcome] = (await reader.page({ table, outcome, from: 0, count: most })).rows;
    }
    rows[table] = listed;
  }
  return rows;
}

/** Outcomes of which a person wants to see examples: the others say everything by their number. */
export const tellingOutcomes: readonly Outcome[] = outcomes.filter(
  (outcome) => outcome !== "insert" && outcome !== "identical" && outcome !== "not_imported",
);

/** Examples under the name of their table and outcome, with what changes in each. */
export function rowsText(plan: Plan, rows: RowsByOutcome, paint: Paint): string {
  const parts: string[] = [];
  for (const { table, outcomes: counts } of plan.tables) {
    for (const [outcome, listed] of Object.entries(rows[table] ?? {}) as [Outcome, PlannedRow[]][]) {
      const total = counts[outcome] ?? 0;
      const reason = reasons[outcome] === undefined ? "" : `: ${reasons[outcome]}`;
      const heading = `${paint.bold(`${safeName(table)}  ${outcome}`)}  ${count(listed.length)} of ${count(total)}${reason}`;
      parts.push([heading, ...listed.flatMap((row) => rowLines(row, paint))].join("\n"));
    }
  }
  return parts.join("\n\n");
}

function rowLines(row: PlannedRow, paint: Paint): string[] {
  const notes = [
    row.constraint !== undefined && safeName(row.constraint),
    row.holder !== undefined && `held by ${safeName(row.holder)}`,
    row.reference_cleared !== undefined && `without ${safeName(row.reference_cleared.join(", "))}`,
  ].filter(Boolean);
  const about = notes.length === 0 ? "" : `  ${notes.join("  ")}`;
  const place = row.outcome === "delete" ? "" : `row ${row.row}  `;
  return [`  ${place}${keysText(row)}${about}`, ...(row.changes ?? []).map((change) => changeLine(change, paint))];
}

function keysText({ key, target_key }: PlannedRow): string {
  const own = safeName(key.join(", "));
  return target_key === undefined ? own : `${own}, in the target ${safeName(target_key.join(", "))}`;
}

function changeLine({ column, old, new: next }: ValueChange, paint: Paint): string {
  return `    ${safeName(column)}: ${paint.red(valueText(old))} -> ${paint.green(valueText(next))}`;
}

function valueText(value: string | null): string {
  return value === null ? "NULL" : safeName(JSON.stringify(value), 80);
}
