import { adviceFor } from "../engine/advice.ts";
import type { ErrorCode } from "../engine/errors.ts";
import { ProblemError } from "./api.ts";
import { WorkerError } from "./worker/client.ts";

/** A failure as it is shown: what it means, what was found, what to do. */
export interface FailureText {
  title: string;
  detail: string;
  code?: string;
  advice?: string;
}

/** What a family of codes means to somebody who has never heard of it. */
const meanings: Record<string, string> = {
  ZIP: "This archive cannot be trusted as it is",
  STREAM: "This stream cannot be trusted as it is",
  PATH: "This archive holds a dangerous name",
  LIMIT: "This is larger than what is accepted",
  INTEGRITY: "The content is not what was exported",
  SCHEMA: "This bundle does not fit",
  IMPORT: "The import does not fit the state of this installation",
  AUTH: "You are not allowed to do this",
  UPLOAD: "The upload cannot be used",
  REQUEST: "This cannot be done as asked",
  IO: "Something could not be read or written",
};
const exact: Record<string, string> = {
  ZIP_TRUNCATED: "The file is not whole, or it is no bundle",
  STREAM_TRUNCATED: "The stream was cut off before its end",
  STREAM_FAILED: "The export failed at its source",
  SCHEMA_VERSION: "The bundle is of a newer version than this one knows",
  SCHEMA_SCOPE: "The bundle is of another application",
  SCHEMA_MANIFEST: "This is no bundle, or its manifest was edited",
  IO_TARGET: "The file could not be written",
  IMPORT_LOCKED: "Another import is running",
  IMPORT_PLAN_CHANGED: "The installation has changed since the plan was made",
  IMPORT_PLAN_UNKNOWN: "The plan's rows are no longer kept",
};

export function failureText(error: unknown): FailureText {
  if (error instanceof WorkerError) {
    const { code, message, advice, problem } = error.failure;
    if (problem !== undefined)
      return { title: problem.title, detail: problem.detail, ...(problem.code && { code: problem.code }) };
    return { title: titleOf(code) ?? "The page failed", detail: message, code, ...(advice && { advice }) };
  }
  if (error instanceof ProblemError) {
    const { title, detail, code } = error.problem;
    if (code === undefined) return { title, detail };
    return { title: titleOf(code) ?? title, detail, code, ...(hasAdvice(code) && { advice: adviceFor(code as ErrorCode) }) };
  }
  console.error(error);
  return { title: "The page failed", detail: error instanceof Error ? error.message : String(error) };
}

export function titleOf(code: string): string | undefined {
  return exact[code] ?? meanings[code.slice(0, code.indexOf("_"))];
}

/** What a server refuses for its own reasons says itself what to do. */
function hasAdvice(code: string): boolean {
  return /^(ZIP|STREAM|PATH|INTEGRITY|SCHEMA)_|^IO_TARGET$/.test(code);
}
