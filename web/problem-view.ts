import { type Problem, ProblemError } from "./api.ts";
import { el } from "./dom.ts";
import { counted } from "./format.ts";
import { issueList } from "./issue-list.ts";

/** A refusal as it was said. It takes the focus, so that nobody misses it. */
export function problemView(error: unknown): HTMLElement {
  if (!(error instanceof ProblemError)) console.error(error);
  const problem: Problem =
    error instanceof ProblemError ? error.problem : { title: "The page failed", status: 0, detail: String(error) };
  const issues = problem.issues ?? [];
  const box = el(
    "div",
    { class: "verdict bad", role: "alert", tabindex: "-1" },
    el("h3", {}, problem.title),
    el("p", {}, problem.detail, problem.code ? el("code", { class: "code" }, problem.code) : null),
    issues.length > 1 && el("details", {}, el("summary", {}, counted(issues.length, "finding")), issueList(issues)),
  );
  queueMicrotask(() => box.focus());
  return box;
}

export function signInHint(): HTMLElement {
  return el(
    "section",
    { class: "card" },
    el("h2", {}, "Sign in first"),
    el("p", {}, "This page is for admins. Open the sign-in link that the server printed when it started; it leads back here."),
    el("p", { class: "note" }, "The link changes with every start of the server, and a sign-in lasts twelve hours."),
  );
}
