import type { ScopeDescription } from "./api.ts";
import { card, el } from "./dom.ts";
import { counted, words } from "./format.ts";

/** What leaves, what stays, and why. */
export function scopeView(scope: ScopeDescription): HTMLElement {
  const tables = scope.tables.map((table) => {
    const stays = Object.entries(table.excluded_columns);
    return el(
      "details",
      {},
      el(
        "summary",
        {},
        words(table.name),
        stays.length > 0 && el("span", { class: "note" }, ` without ${counted(stays.length, "column")}`),
      ),
      el("p", {}, `Columns: ${table.columns.join(", ")}.`),
      table.import_never !== null && el("p", {}, `Exported, never imported: ${table.import_never}.`),
      stays.length > 0 && reasons(stays),
    );
  });
  return card(
    "What is in a backup, and what is not",
    el("p", {}, "Only what is listed here leaves this installation or enters it."),
    el("h3", {}, counted(tables.length, "table")),
    ...tables,
    el("h3", {}, "Tables that stay"),
    reasons(Object.entries(scope.excluded_tables)),
  );
}

function reasons(entries: [name: string, reason: string][]): HTMLElement {
  return el(
    "dl",
    { class: "reasons" },
    ...entries.flatMap(([name, reason]) => [el("dt", {}, words(name)), el("dd", {}, reason)]),
  );
}
