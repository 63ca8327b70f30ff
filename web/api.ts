import type { Issue } from "../engine/errors.ts";
import type { ConflictMode, ImportReport, Plan } from "../engine/plan.ts";
import type { Verification } from "../engine/verify-bundle.ts";

const base = "./api/v1/admin/backup";

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code?: string;
  issues?: Issue[];
}

export interface ScopeDescription {
  title: string;
  name: string;
  app: { name: string; version: string };
  description: string;
  options: { name: string; default: boolean; label: string; description: string }[];
  ignored_options: Record<string, string>;
  tables: { name: string; columns: string[]; excluded_columns: Record<string, string>; import_never: string | null }[];
  excluded_tables: Record<string, string>;
  modes: ConflictMode[];
  max_upload_bytes: number;
}

export interface Preview {
  bundle: {
    container: string;
    size: number;
    app: { name: string; version: string };
    created_at: string;
    options: Record<string, boolean>;
    files: { bundle: number; external: number; missing: number };
  };
  importer: string;
  verification: Verification;
  plan: Plan;
}

export interface Progress {
  phase: "verify" | "stage" | "plan" | "blobs" | "apply";
  table?: string;
  rows?: number;
  files?: number;
  bytes?: number;
  bytesTotal?: number;
}

/** What the server refused, as it said it. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export async function getScope(): Promise<ScopeDescription> {
  return (await answer(fetch(`${base}/scope`))).json();
}

/** The bundle's bytes as they come. A bundle that is cut fails its stream. */
export function exportBundle(options: Record<string, boolean>, type: string, signal: AbortSignal): Promise<Response> {
  const headers = { "Content-Type": "application/json", Accept: type };
  return answer(fetch(`${base}/export`, { method: "POST", headers, body: JSON.stringify(options), signal }));
}

type OnProgress = (progress: Progress) => void;

export function preview(file: File, mode: ConflictMode, onProgress: OnProgress, signal: AbortSignal): Promise<Preview> {
  return upload("/import/preview", { mode }, file, onProgress, signal);
}

/** Exactly the plan that was previewed, or nothing. */
export function importBundle(file: File, plan: Plan, onProgress: OnProgress): Promise<ImportReport> {
  return upload("/import", { mode: plan.mode, plan_digest: plan.digest }, file, onProgress);
}

async function upload<T>(
  path: string,
  fields: Record<string, string>,
  file: File,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<T> {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set("file", file);
  const headers = { Accept: "application/x-ndjson" };
  const response = await answer(fetch(`${base}${path}`, { method: "POST", headers, body, ...(signal && { signal }) }));
  for await (const line of lines(response.body!)) {
    const { progress, result, error } = JSON.parse(line) as { progress?: Progress; result?: T; error?: Problem };
    if (error !== undefined) throw new ProblemError(error);
    if (result !== undefined) return result;
    if (progress !== undefined) onProgress(progress);
  }
  throw broken();
}

/** By a reader, because not every browser iterates over streams. */
async function* lines(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    const parts = (rest + value).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

async function answer(request: Promise<Response>): Promise<Response> {
  const response = await request.catch((error: Error) => {
    throw error.name === "AbortError" ? error : broken();
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  throw new ProblemError(
    problem ?? { title: response.statusText, status: response.status, detail: "the server refused without a reason" },
  );
}

function broken(): ProblemError {
  return new ProblemError({
    title: "The connection was lost",
    status: 0,
    detail: "the server could not be reached, or it broke off; see whether it still runs, and try again",
  });
}
