import { type Outcome, type Plan, type PlanRow, skippedOutcomes, type TablePlan } from "../engine/plan.ts";
import { el } from "./dom.ts";
import { counted, number, words } from "./format.ts";

export const meanings: Record<Outcome, string> = {
  insert: "added",
  update: "updated",
  metadata_update: "metadata refreshed",
  identical: "the same here already",
  keep: "kept as they are here",
  append_only: "history, kept as it is here",
  conflict_unique: "in conflict with another row here",
  other_tenant: "of another organization here",
  missing_parent: "refer to a row that is nowhere",
  blob_missing: "their stored file is nowhere",
  not_imported: "never imported",
};

/** Rows that do not arrive although they are not here. */
export function skippedCount(plan: Plan): number {
  return plan.tables.reduce((sum, table) => sum + countOf(table, skippedOutcomes), 0);
}

function countOf(table: TablePlan, outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, outcome) => sum + (table.outcomes[outcome] ?? 0), 0);
}

const columns: [title: string, outcomes: readonly Outcome[]][] = [
  ["Added", ["insert"]],
  ["Updated", ["update", "metadata_update"]],
  ["Unchanged", ["identical", "keep", "append_only"]],
  ["Skipped", skippedOutcomes],
];

/** One row a table; on a narrow screen each becomes a block, hence the names beside the numbers. */
export function planTable(plan: Plan): HTMLElement {
  const titles = ["Table", "In the backup", ...columns.map(([title]) => title)];
  return el(
    "table",
    { class: "plan" },
    el("thead", {}, el("tr", {}, ...titles.map((title) => el("th", { scope: "col" }, title)))),
    ...plan.tables.map(tableRows),
  );
}

function tableRows(table: TablePlan): HTMLElement {
  const cells = columns.map(([title, outcomes]) => {
    const count = countOf(table, outcomes);
    const kind = count === 0 ? "zero" : title.toLowerCase();
    return el("td", { class: kind, "data-title": title }, number(count));
  });
  const total = el("td", { "data-title": "In the backup" }, number(table.rows));
  const body = el("tbody", {}, el("tr", {}, el("th", { scope: "row" }, words(table.table)), total, ...cells));
  const notes = notesOf(table);
  if (notes.length > 0) body.append(el("tr", { class: "notes" }, el("td", { colspan: "6" }, details(table, notes))));
  return body;
}

function details(table: TablePlan, notes: string[]): HTMLElement | string {
  if (notes.length === 1 && table.samples.length === 0) return notes[0]!;
  const [first, ...rest] = notes;
  const items = [...rest.map((note) => el("li", {}, note)), ...table.samples.map((sample) => el("li", {}, describeRow(sample)))];
  return el(
    "details",
    {},
    el("summary", {}, first!, el("span", { class: "visually-hidden" }, ` (${words(table.table)})`)),
    el("ul", {}, ...items),
  );
}

function notesOf(table: TablePlan): string[] {
  const notes: string[] = [];
  if (table.reason !== undefined && table.rows > 0) notes.push(table.reason);
  for (const [outcome, count] of Object.entries(table.outcomes) as [Outcome, number][]) {
    if (outcome !== "insert" && outcome !== "identical" && outcome !== "not_imported") {
      notes.push(`${counted(count, "row")}: ${meanings[outcome]}`);
    }
  }
  if (table.reassigned > 0) notes.push(`${counted(table.reassigned, "row")} will have you as their maker`);
  for (const [column, count] of Object.entries(table.reference_cleared)) {
    notes.push(`${counted(count, "row")} will have ${words(column)} empty: what it names is nowhere`);
  }
  if (table.dropped_columns.length > 0)
    notes.push(`left out, not being in this installation's scope: ${table.dropped_columns.join(", ")}`);
  return notes;
}

/** For reports as well, where the table is named. */
export function describeRow(row: PlanRow & { table?: string }): string {
  const about = [
    row.columns !== undefined && `columns ${row.columns.join(", ")}`,
    row.constraint !== undefined && `by ${row.constraint}`,
    row.holder !== undefined && `held by ${row.holder}`,
  ].filter(Boolean);
  const where = row.table === undefined ? "" : `${words(row.table)}, `;
  return `${where}row ${number(row.row)} (${row.key.join(", ")}): ${meanings[row.outcome]}${about.length > 0 ? `; ${about.join("; ")}` : ""}`;
}
