import { STATUS_CODES } from "node:http";
import { BackupError, type ErrorCode } from "../../engine/errors.ts";

/** RFC 9457, with Holdall's code and whatever the error knows beside it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code?: ErrorCode;
  [detail: string]: unknown;
}

/** By code, else by family (DESIGN section 11). */
const kinds: Record<string, readonly [status: number, title: string]> = {
  ZIP: [422, "The ZIP container is not sound"],
  STREAM: [422, "The ndjson container is not sound"],
  PATH: [422, "The bundle holds an unsafe path"],
  LIMIT: [413, "A limit is exceeded"],
  INTEGRITY: [422, "The bundle is not what it was when it was made"],
  SCHEMA: [422, "The bundle or the scope does not fit"],
  IMPORT_PLAN_UNKNOWN: [404, "There is no such plan"],
  IMPORT: [409, "The import conflicts with the state of this installation"],
  AUTH_REQUIRED: [401, "Sign in as an admin"],
  AUTH_FORBIDDEN: [403, "Not allowed"],
  UPLOAD_MISSING: [404, "There is no such upload"],
  UPLOAD_INCOMPLETE: [409, "The upload is not complete"],
  REQUEST: [400, "The request is not usable"],
  IO_STORE_MISSING: [502, "A stored object is not there"],
  IO: [503, "The installation cannot serve this now"],
};

/** A file of the server's own: where it lies is nobody's business, and only the server's keeper can mend it. */
const spoolTrouble = "the server could not keep the upload or read it back; its disk may be full: make room and try again";

export function problemOf(error: unknown): Problem {
  if (error instanceof BackupError) return problemOfCode(error);
  if ((error as Error | undefined)?.name === "AbortError") {
    return plainProblem(503, "the work was stopped before it ended, and nothing was changed; try again");
  }
  return plainProblem(500, "something unexpected went wrong; the server's log says more");
}

function problemOfCode({ code, message, details }: BackupError): Problem {
  const [status, title] = kinds[code] ?? kinds[code.slice(0, code.indexOf("_"))] ?? [500, "Error"];
  const type = `urn:holdall:problem:${code}`;
  if (code === "IO_SOURCE") return { type, title, status, code, detail: spoolTrouble };
  const own = { type, title, status, code, detail: message };
  return { ...own, ...details, ...own };
}

export function plainProblem(status: number, detail: string): Problem {
  return { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail };
}

export function problemResponse(problem: Problem): Response {
  const headers = new Headers({ "Content-Type": "application/problem+json", "Cache-Control": "no-store" });
  // RFC 9110, section 11.6.1: a 401 names the scheme.
  if (problem.status === 401) headers.set("WWW-Authenticate", "Bearer");
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
