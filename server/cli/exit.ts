import { getSystemErrorMap } from "node:util";
import { BackupError, type ErrorDetails, type Issue } from "../../engine/errors.ts";
import { databaseError } from "../database/database-error.ts";
import { Interrupted } from "./interrupt.ts";
import { issueLines } from "./issue-lines.ts";
import type { Output } from "./output.ts";
import { safeText } from "./safe-text.ts";
import { Refusal, UsageError } from "./usage-error.ts";

/** What a failure means for whoever started the command. */
export interface Failure {
  exitCode: number;
  code: string;
  message: string;
  details: ErrorDetails;
  /** Ends without a word: whoever read our output has gone, and knows. */
  silent?: boolean;
}

/** The one place where errors become exit codes. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) return { exitCode: 2, code: "USAGE", message: usageText(error), details: {} };
  if (error instanceof Refusal) return { exitCode: 1, code: error.code, message: error.message, details: error.details };
  if (error instanceof Interrupted) {
    return { exitCode: error.exitCode, code: "INTERRUPTED", message: error.message, details: {} };
  }
  const known = error instanceof BackupError ? error : fromDatabase(error);
  if (known !== undefined) return { ...backupFailure(known.code), message: known.message, details: known.details };
  return systemFailure(error as NodeJS.ErrnoException);
}

function usageText({ message, command }: UsageError): string {
  return `${message}\nTry \`holdall${command ? ` ${command}` : ""} --help\`.`;
}

function backupFailure(code: BackupError["code"]): { exitCode: number; code: string } {
  if (code === "REQUEST_INVALID") return { exitCode: 2, code };
  return { exitCode: code.startsWith("IO_") ? 3 : 1, code };
}

/** What PostgreSQL or its client threw and nobody translated. */
function fromDatabase(error: unknown): BackupError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  const closed = typeof code === "string" && /^CONNECT(ION)?_/.test(code);
  return closed || "severity_local" in error ? databaseError(error) : undefined;
}

function systemFailure(error: NodeJS.ErrnoException): Failure {
  const { code, syscall, path, message } = error ?? {};
  if (code === "EPIPE")
    return { exitCode: 1, code: "EPIPE", message: "nobody reads the output any more", details: {}, silent: true };
  if (code !== undefined && syscall !== undefined) {
    const [, said = message] = getSystemErrorMap().get(error.errno ?? 0) ?? [];
    const text = path === undefined ? `${said} (${code}, ${syscall})` : `${path}: ${said} (${code}, ${syscall})`;
    return { exitCode: 3, code: "FILE_SYSTEM", message: text, details: { errno: code, ...(path === undefined ? {} : { path }) } };
  }
  const text = `a defect in Holdall: ${message ?? String(error)}; HOLDALL_DEBUG=1 shows where`;
  return { exitCode: 70, code: "INTERNAL", message: text, details: {} };
}

/** Prints a failure and gives its exit code. */
export async function reportFailure(error: unknown, output: Output): Promise<number> {
  const failure = failureOf(error);
  if (process.env["HOLDALL_DEBUG"] === "1") console.error(error);
  if (failure.silent) return failure.exitCode;
  try {
    if (output.json) await output.failure({ error: { code: failure.code, message: failure.message, details: failure.details } });
    else await output.error(failureText(failure, output));
  } catch {
    // Neither stream can be written to; the exit code is all that is left.
  }
  return failure.exitCode;
}

function failureText({ code, message, details }: Failure, output: Output): string {
  const paint = output.errorPaint;
  const issues = details["issues"] as Issue[] | undefined;
  if (issues !== undefined) return issueLines(issues, paint);
  if (code === "USAGE" || code === "INTERRUPTED")
    return message
      .split("\n")
      .map((line) => `holdall: ${safeText(line)}`)
      .join("\n");
  return issueLines([{ severity: "error", code: code as Issue["code"], message, details }], paint);
}
