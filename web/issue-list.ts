import type { Issue } from "../engine/errors.ts";
import { el } from "./dom.ts";

/** More would hide what the first ones say. */
const shown = 200;

export function issueList(issues: readonly Issue[]): HTMLElement {
  const items = issues.slice(0, shown).map(({ severity, code, message, details }) => {
    const line = details.line === undefined ? "" : ` (line ${details.line})`;
    return el("li", { class: severity }, `${message}${line} `, el("code", { class: "code" }, code));
  });
  if (issues.length > shown) items.push(el("li", {}, `and ${issues.length - shown} more`));
  return el("ul", { class: "issues" }, ...items);
}
