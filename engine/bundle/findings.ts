import { type Check, type CheckedIssue, type CheckName, checkNames } from "../checks.ts";
import type { ErrorCode, ErrorDetails, Issue } from "../errors.ts";

/** One table with many bad rows says enough with these. */
export const maxIssues = 1000;

/** The issues of a verification and how each check came out. Memory is bounded; the numbers are not. */
export class Findings {
  readonly #issues: Record<Issue["severity"], CheckedIssue[]> = { error: [], warning: [] };
  readonly #checks = new Map<CheckName, Check>(
    checkNames.map((name) => [name, { name, status: "passed", examined: 0, errors: 0, warnings: 0 }]),
  );

  error(check: CheckName, code: ErrorCode, message: string, details: ErrorDetails): void {
    this.add(check, { severity: "error", code, message, details });
  }

  warn(check: CheckName, code: ErrorCode, message: string, details: ErrorDetails): void {
    this.add(check, { severity: "warning", code, message, details });
  }

  add(check: CheckName, issue: Issue): void {
    this.count(check, issue.severity, 1);
    const kept = this.#issues[issue.severity];
    if (kept.length < maxIssues) kept.push({ ...issue, check });
  }

  /** Findings that are counted and not listed. */
  count(check: CheckName, severity: Issue["severity"], more: number): void {
    const found = this.#checks.get(check)!;
    if (severity === "error") found.errors += more;
    else found.warnings += more;
    if (found.errors + found.warnings > 0) found.status = found.errors > 0 ? "failed" : "warned";
  }

  examined(check: CheckName, count: number): void {
    this.#checks.get(check)!.examined += count;
  }

  get valid(): boolean {
    return this.checks.every((check) => check.errors === 0);
  }

  get checks(): Check[] {
    return [...this.#checks.values()];
  }

  get total(): number {
    return this.checks.reduce((sum, check) => sum + check.errors + check.warnings, 0);
  }

  /** At most `maxIssues`: warnings may not crowd out the error that decides the verdict. */
  get issues(): CheckedIssue[] {
    return [...this.#issues.error, ...this.#issues.warning].slice(0, maxIssues);
  }
}
