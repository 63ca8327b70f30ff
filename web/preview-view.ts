import type { Plan } from "../engine/plan.ts";
import type { Preview } from "./api.ts";
import { el, facts } from "./dom.ts";
import { counted, date, number, size, words } from "./format.ts";
import { issueList } from "./issue-list.ts";
import { planTable } from "./plan-table.ts";

/** Rows that an import adds and rows that it changes. */
export function arriving(plan: Plan): { rows: number; changes: number } {
  const sum = (...outcomes: ("insert" | "update" | "metadata_update")[]) =>
    plan.tables.reduce((total, table) => outcomes.reduce((n, outcome) => n + (table.outcomes[outcome] ?? 0), total), 0);
  return { rows: sum("insert"), changes: sum("update", "metadata_update") };
}

export function previewView(found: Preview, confirmation: HTMLElement): HTMLElement {
  const { bundle, verification, plan } = found;
  return el(
    "div",
    { tabindex: "-1", class: "preview" },
    el(
      "div",
      { class: "verdict good" },
      el("h3", {}, "The backup is sound"),
      el("p", {}, `${counted(verification.entries, "entry", "entries")} and ${size(verification.bytes)} were read and checked.`),
    ),
    facts([
      ["Made by", `${bundle.app.name} ${bundle.app.version}`],
      ["Made on", date(bundle.created_at)],
      ["Size", `${size(bundle.size)} (${bundle.container})`],
      ["Holds", contents(found)],
      ["Options", optionsOf(bundle.options)],
    ]),
    warnings([...new Set(plan.warnings)], verification),
    el("h3", {}, "What an import would do"),
    planTable(plan),
    blobLine(plan),
    confirmation,
  );
}

/** The tables that people ask for first, then how many there are. */
function contents({ verification, bundle }: Preview): string {
  const asked = ["organizations", "assets", "vulnerabilities"].filter((table) => verification.rows[table] !== undefined);
  const counts = asked.map((table) => `${number(verification.rows[table]!)} ${words(table)}`);
  const { files } = bundle;
  const without = files.external + files.missing;
  counts.push(`${counted(files.bundle, "file")}${without > 0 ? ` (${number(without)} without contents)` : ""}`);
  counts.push(counted(Object.keys(verification.rows).length, "table"));
  return counts.join(", ");
}

function optionsOf(options: Record<string, boolean>): string {
  const named = Object.entries(options).map(([name, on]) => `${words(name.replace(/^include_/, ""))} ${on ? "in" : "out"}`);
  return named.join(", ") || "none";
}

function warnings(texts: string[], { issues }: Preview["verification"]): HTMLElement | null {
  if (texts.length + issues.length === 0) return null;
  return el(
    "div",
    { class: "verdict warn" },
    el("h3", {}, counted(texts.length + issues.length, "warning")),
    texts.length > 0 && el("ul", { class: "issues" }, ...texts.map((text) => el("li", {}, text))),
    issues.length > 0 && issueList(issues),
  );
}

export function blobLine({ blobs }: Plan): HTMLElement {
  const parts = [`${counted(blobs.write, "file")} to store (${size(blobs.bytes)})`];
  if (blobs.present > 0) parts.push(`${number(blobs.present)} here already`);
  if (blobs.rekeyed > 0) parts.push(`${number(blobs.rekeyed)} under a new key, theirs being taken`);
  if (blobs.missing > 0) parts.push(`${number(blobs.missing)} nowhere to be found`);
  return el("p", { class: "note blobs" }, `Stored files: ${parts.join(", ")}.`);
}
