import type { ImportReport } from "../engine/plan.ts";
import { el, facts } from "./dom.ts";
import { counted, date, number } from "./format.ts";
import { describeRow, planTable, skippedCount } from "./plan-table.ts";
import { arriving } from "./preview-view.ts";

/** More would make the page slow; the report in the database has them all. */
const shown = 500;

export function reportView(report: ImportReport): HTMLElement {
  const { rows, changes } = arriving(report.plan);
  const seconds = (Date.parse(report.finished_at) - Date.parse(report.started_at)) / 1000;
  return el(
    "div",
    { tabindex: "-1", class: "preview" },
    el(
      "div",
      { class: "verdict good" },
      el("h3", {}, "Imported"),
      el("p", {}, `${counted(rows, "row")} added and ${counted(changes, "row")} updated in ${seconds.toFixed(1)} seconds.`),
    ),
    facts([
      ["Import", report.import_id],
      ["Finished", date(report.finished_at)],
      ["Files stored", number(report.plan.blobs.write - report.failed_blobs.length)],
      ["Rows skipped", number(skippedCount(report.plan))],
    ]),
    report.failed_blobs.length > 0 && failedBlobs(report),
    planTable(report.plan),
    report.skipped.length > 0 && skippedRows(report),
  );
}

function failedBlobs({ failed_blobs: failed }: ImportReport): HTMLElement {
  const items = failed.slice(0, shown).map(({ key, error }) => el("li", {}, `${key}: ${error}`));
  return el(
    "div",
    { class: "verdict warn" },
    el("h3", {}, `${counted(failed.length, "file")} could not be stored; their rows were skipped`),
    el("ul", { class: "issues" }, ...items),
  );
}

function skippedRows({ skipped, skipped_truncated: truncated }: ImportReport): HTMLElement {
  const items = skipped.slice(0, shown).map((row) => el("li", {}, describeRow(row)));
  if (truncated || skipped.length > shown) items.push(el("li", {}, "… and more"));
  return el("details", {}, el("summary", {}, `Every skipped row and why`), el("ul", {}, ...items));
}
