import { type Outcome, type Plan, type PlanRow, type ReplacePlan, skippedOutcomes, type TablePlan } from "../../engine/plan.ts";
import { lossText } from "../import/replace/consent.ts";
import { bytes, count, plural } from "./numbers.ts";
import type { Paint } from "./paint.ts";
import { safeName, safeText } from "./safe-text.ts";
import { textTable } from "./text-table.ts";

const groups: Record<string, readonly Outcome[]> = {
  new: ["insert"],
  changed: ["update", "metadata_update"],
  identical: ["identical"],
  kept: ["keep", "append_only"],
  skipped: skippedOutcomes,
  deleted: ["delete"],
};

export const reasons: Partial<Record<Outcome, string>> = {
  append_only: "history: what is there is never changed",
  conflict_unique: "another row of the target holds the same unique value",
  other_tenant: "the target has this row in another organization",
  missing_parent: "it needs a row that is neither in the bundle nor in the target",
  blob_missing: "its object is neither in the bundle nor in the target's store",
  not_imported: "the scope does not let the table in",
  delete: "the bundle does not have it",
};

export function sumOf(table: TablePlan, outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, outcome) => sum + (table.outcomes[outcome] ?? 0), 0);
}

/** Counts per table, and everything a person should know before or after they say yes. */
export function planText(plan: Plan, paint: Paint, tense: "future" | "past" = "future"): string {
  const parts = [countsTable(plan, paint), `${paint.bold("objects")}  ${blobsText(plan, tense)}`];
  const notes = plan.tables.flatMap((table) => tableNotes(table));
  if (notes.length > 0) parts.push(notes.join("\n"));
  if (plan.replace !== undefined) parts.push(replaceText(plan.replace, paint, tense));
  if (tense === "future" && plan.users.length > 0) parts.push(usersText(plan, paint));
  if (plan.warnings.length > 0) {
    parts.push(plan.warnings.map((warning) => `${paint.yellow("warning")}  ${safeText(warning)}`).join("\n"));
  }
  return parts.join("\n\n");
}

/** What a replacement takes with it, and what it needs to be told. */
function replaceText(replace: ReplacePlan, paint: Paint, tense: "future" | "past"): string {
  const { occupied, lost, admins, kept, objects_removed, objects_replaced } = replace;
  const isPast = tense === "past";
  const needs = (option: string) => (isPast ? "" : `; needs ${option}`);
  const lines: string[] = [];
  const held = Object.entries(occupied).map(([table, rows]) => `${plural(rows, "row")} in ${safeName(table)}`);
  lines.push(
    `the target ${isPast ? "was" : "is"} ${held.length === 0 ? "fresh" : `in use: ${held.join(", ")}${needs("--replace-existing")}`}`,
    ...lost.map((loss) => `${paint.yellow("lost")}  ${safeText(lossText(loss))}${needs("--accept-loss")}`),
  );
  if (admins === 0)
    lines.push(
      `${paint.yellow("warning")}  ${isPast ? "there is" : "there would be"} no active administrator${needs("--allow-no-admin")}`,
    );
  if (objects_removed > 0) lines.push(`${plural(objects_removed, "object")} removed after the commit`);
  if (objects_replaced > 0) lines.push(`${plural(objects_replaced, "object")} replaced after the commit`);
  for (const [table, reason] of Object.entries(kept)) lines.push(`${safeName(table)} stays as it is: ${safeText(reason)}`);
  return lines.join("\n");
}

/** As many as fit on a screen; `--json` has all. */
const shownUsers = 20;

/** Whom the rows name, and what to say to keep it so. */
function usersText({ users }: Plan, paint: Paint): string {
  const columns = [{ title: "user of the bundle" }, { title: "rows", right: true }, { title: "in the target" }];
  const lines = users.slice(0, shownUsers).map(({ id, email, references, mapped, proposed }) => {
    const becomes =
      mapped !== null
        ? safeName(mapped.email)
        : proposed === null
          ? "not mapped"
          : `not mapped; perhaps --map-user ${safeName(id)}=${safeName(proposed.email)}`;
    return [safeName(email === null ? id : `${email} (${id})`, 90), count(references), becomes];
  });
  const more = users.length > shownUsers ? [`… and ${count(users.length - shownUsers)} more; --json lists them`] : [];
  return [textTable(columns, lines, paint), ...more].join("\n");
}

function countsTable({ tables, replace }: Plan, paint: Paint): string {
  const names = Object.keys(groups).filter((group) => group !== "deleted" || replace !== undefined);
  const columns = [{ title: "table" }, ...["rows", ...names].map((title) => ({ title, right: true }))];
  const line = (name: string, counted: readonly TablePlan[]) => [
    name,
    count(counted.reduce((sum, table) => sum + table.rows, 0)),
    ...names.map((group) => cell(counted.reduce((sum, table) => sum + sumOf(table, groups[group]!), 0))),
  ];
  return textTable(columns, [...tables.map((table) => line(safeName(table.table), [table])), line("all", tables)], paint);
}

/** What is not there should not catch the eye. */
function cell(value: number): string {
  return value === 0 ? "·" : count(value);
}

function blobsText({ blobs }: Plan, tense: "future" | "past"): string {
  const written = tense === "future" ? "to write" : "written";
  const parts = [`${count(blobs.write)} ${written} (${bytes(blobs.bytes)})`, `${count(blobs.present)} there already`];
  if (blobs.rekeyed > 0) parts.push(`${count(blobs.rekeyed)} under another key, because theirs is taken`);
  if (blobs.missing > 0) parts.push(`${count(blobs.missing)} missing`);
  return parts.join(", ");
}

function tableNotes(table: TablePlan): string[] {
  const name = safeName(table.table);
  const notes: string[] = [];
  for (const outcome of [...skippedOutcomes, "append_only"] as const) {
    const rows = table.outcomes[outcome];
    if (rows) notes.push(`${plural(rows, "row")} ${outcome === "append_only" ? "kept" : "skipped"}: ${reasonOf(table, outcome)}`);
  }
  if (table.reassigned > 0) notes.push(`${plural(table.reassigned, "row")} in the importer's name, instead of whoever made them`);
  if (table.matched > 0) notes.push(`${plural(table.matched, "row")} found under another key, by the natural key`);
  if (table.renumbered > 0) notes.push(`${plural(table.renumbered, "row")} under a new number, because theirs is another row's`);
  for (const [column, rows] of Object.entries(table.reference_cleared)) {
    notes.push(`${plural(rows, "row")} without ${safeName(column)}: what it names is neither in the bundle nor in the target`);
  }
  if (table.dropped_columns.length > 0) {
    notes.push(`columns that the scope does not let in are dropped: ${table.dropped_columns.map((c) => safeName(c)).join(", ")}`);
  }
  return notes.map((note) => `${name}: ${note}`);
}

function reasonOf(table: TablePlan, outcome: Outcome): string {
  if (outcome === "not_imported" && table.reason !== undefined) return safeText(table.reason);
  return reasons[outcome] ?? outcome;
}

/** A row that does not arrive, in one line. */
export function skippedLine(row: PlanRow & { table: string }): string {
  const parts = [`row ${row.row}`, safeName(row.key.join(", ")), reasons[row.outcome] ?? row.outcome];
  if (row.constraint !== undefined) parts.push(safeName(row.constraint));
  if (row.holder !== undefined) parts.push(`held by ${safeName(row.holder)}`);
  return `${safeName(row.table)}  ${parts.join("  ")}`;
}
