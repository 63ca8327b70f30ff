import type { Issue } from "../../engine/errors.ts";
import type { Paint } from "./paint.ts";
import { safeText } from "./safe-text.ts";

/** One line an issue: severity, code, where, what. */
export function issueLines(issues: readonly Issue[], paint: Paint): string {
  const widest = Math.max(...issues.map(({ code }) => code.length));
  const severities = new Set(issues.map(({ severity }) => severity));
  return issues
    .map((issue) => {
      const label = severities.size > 1 ? issue.severity.padEnd(7) : issue.severity;
      const severity = issue.severity === "error" ? paint.red(label) : paint.yellow(label);
      return `${severity}  ${paint.bold(issue.code.padEnd(widest))}  ${describe(issue)}`;
    })
    .join("\n");
}

/** The message, with whatever of the place it does not name itself. */
function describe({ message, details }: Issue): string {
  const { entry, row, line } = details;
  const named = entry === undefined || message.includes(entry) ? "" : `${entry}: `;
  const place = [
    ...(row === undefined || message.includes(`row ${row}`) ? [] : [`row ${row}`]),
    ...(line === undefined || message.includes(`line ${line}`) ? [] : [`line ${line}`]),
  ];
  return safeText(`${named}${message}${place.length === 0 ? "" : ` (${place.join(", ")})`}`);
}
