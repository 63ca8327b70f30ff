import type { Issue } from "../engine/errors.ts";
import type {
  ExportEstimate as Estimate,
  PreviewAnswer as Preview,
  InstallationScope as ScopeDescription,
  TenantList,
} from "../engine/http-types.ts";
import type { ConflictMode, ImportReport, MovedTable, Plan, PlanCode, PlanPage, ReplaceConsent } from "../engine/plan.ts";
import type { ExportRequest } from "./worker/protocol.ts";

export type { ScopeOption, ScopeTable } from "../engine/http-types.ts";
export type { Estimate, Preview, ScopeDescription };

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code?: string;
  issues?: Issue[];
  /** What is otherwise than in the plan that was confirmed. */
  moved?: MovedTable[];
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
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** What a plan is asked for by. */
export interface PlanRequest {
  mode: ConflictMode;
  match_natural_keys?: boolean;
  /** The file's name may say another hash than the file has. */
  accept_name_mismatch?: boolean;
  /** Users of the bundle, by key, to users here, by e-mail address or key. */
  user_map?: Record<string, string>;
  tables?: string[];
  orgs?: string[];
}

type OnProgress = (progress: Progress) => void;
/** What goes in: options by name, and of which tenants; all where none are named. */
export interface ExportChoice {
  options: Record<string, boolean>;
  tenants: readonly string[] | null;
}

/** The routes of an installation below `base`, any address that the page may reach. */
export class Api {
  readonly base: string;

  constructor(base: string) {
    this.base = new URL(base, document.baseURI).href.replace(/\/$/, "");
  }

  get uploads(): string {
    return `${this.base}/uploads`;
  }

  scope(): Promise<ScopeDescription> {
    return this.#json("/scope");
  }

  tenants(search: string): Promise<TenantList> {
    return this.#json(`/tenants?${new URLSearchParams({ search })}`);
  }

  estimate(choice: ExportChoice, signal: AbortSignal): Promise<Estimate> {
    return this.#json("/export/estimate", { method: "POST", ...exportBody(choice), signal });
  }

  /** For the Worker, which fetches it itself. */
  exportRequest(choice: ExportChoice): ExportRequest {
    const { headers, body } = exportBody(choice);
    return { url: `${this.base}/export`, method: "POST", headers: { ...headers, Accept: "application/x-ndjson" }, body };
  }

  /** The bundle's bytes as the server made them. One that is cut fails its stream. */
  export(choice: ExportChoice, type: string, signal: AbortSignal): Promise<Response> {
    const { headers, body } = exportBody(choice);
    return answer(fetch(`${this.base}/export`, { method: "POST", headers: { ...headers, Accept: type }, body, signal }));
  }

  /** Which contents the installation has, in the order asked. */
  async known(files: { sha256: string; size: number }[], signal: AbortSignal): Promise<boolean[]> {
    const body = jsonBody({ files: files.map(({ sha256, size }) => ({ sha256, size })) });
    return (await this.#json<{ known: boolean[] }>("/import/known-files", { method: "POST", ...body, signal })).known;
  }

  preview(upload: string, request: PlanRequest, onProgress: OnProgress, signal: AbortSignal): Promise<Preview> {
    return this.#progressing("/import/preview", { upload, ...request }, onProgress, signal);
  }

  /** Exactly the plan that was previewed by the same request, or nothing. */
  import(
    upload: string,
    request: PlanRequest & Partial<ReplaceConsent>,
    plan: Plan,
    onProgress: OnProgress,
  ): Promise<ImportReport> {
    return this.#progressing("/import", { upload, ...request, plan_digest: plan.digest }, onProgress);
  }

  planRows(digest: string, table: string, from: number, count: number, outcome?: PlanCode): Promise<PlanPage> {
    const query = new URLSearchParams({ from: String(from), count: String(count), ...(outcome && { outcome }) });
    return this.#json(`/import/plan/${digest}/${encodeURIComponent(table)}?${query}`);
  }

  async #json<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await answer(fetch(`${this.base}${path}`, init))).json();
  }

  async #progressing<T>(path: string, fields: object, onProgress: OnProgress, signal?: AbortSignal): Promise<T> {
    const { headers, body } = jsonBody(fields);
    const init = { method: "POST", headers: { ...headers, Accept: "application/x-ndjson" }, body, ...(signal && { signal }) };
    const response = await answer(fetch(`${this.base}${path}`, init));
    try {
      for await (const line of lines(response.body!)) {
        const { progress, result, error } = JSON.parse(line) as { progress?: Progress; result?: T; error?: Problem };
        if (error !== undefined) throw new ProblemError(error);
        if (result !== undefined) return result;
        if (progress !== undefined) onProgress(progress);
      }
    } catch (error) {
      throw error instanceof TypeError ? connectionLost() : error;
    }
    throw connectionLost();
  }
}

function exportBody({ options, tenants }: ExportChoice) {
  return jsonBody(tenants === null ? options : { ...options, tenants });
}

function jsonBody(value: object): { headers: Record<string, string>; body: string } {
  return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
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
    throw error.name === "AbortError" ? error : connectionLost();
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  throw new ProblemError(
    problem ?? { title: response.statusText, status: response.status, detail: "the server refused without a reason" },
  );
}

export function connectionLost(): ProblemError {
  return new ProblemError({
    title: "The connection was lost",
    status: 0,
    detail: "the server could not be reached, or it broke off; see whether it still runs, and try again",
  });
}
