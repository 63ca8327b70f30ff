import { adviceFor } from "../../engine/advice.ts";
import { BackupError, type ErrorCode, errorCodes } from "../../engine/errors.ts";
import { FailureError } from "./failure.ts";
import { piecesOf } from "./pieces.ts";
import type { ExportRequest, Failure } from "./protocol.ts";

export interface ExportStream {
  /** A piece is valid until the next one is pulled. */
  bytes: AsyncIterable<Uint8Array>;
  suggestedName: string | null;
}

/** Asks the server for an export. Fails with what the server refused, as it said it. */
export async function fetchExport(request: ExportRequest, signal: AbortSignal): Promise<ExportStream> {
  const { url, method, headers, body } = request;
  const accept = { Accept: "application/x-ndjson", ...headers };
  const response = await fetch(url, { method, headers: accept, signal, ...(body !== undefined && { body }) }).catch((cause) => {
    signal.throwIfAborted();
    throw lost("the server could not be reached", cause);
  });
  if (!response.ok) throw new FailureError(await refusal(response));
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("application/x-ndjson"))
    throw new BackupError(
      "STREAM_BAD_RECORD",
      `the server answered with ${type || "no type"} where an ndjson stream was asked for`,
    );
  const [, suggestedName = null] = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "") ?? [];
  return { bytes: bytesOf(response.body!, signal), suggestedName };
}

async function* bytesOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const piece of piecesOf(body)) {
      bytes += piece.length;
      yield piece;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw lost(`the connection broke after ${bytes} bytes`, cause);
  }
}

function lost(found: string, cause: unknown): BackupError {
  return new BackupError("STREAM_TRUNCATED", `${found}: the export is not whole`, {}, { cause });
}

async function refusal(response: Response): Promise<Failure> {
  const problem = (await response.json().catch(() => null)) as Failure["problem"] | null;
  const { title = response.statusText, status = response.status, detail = "the server refused without a reason" } = problem ?? {};
  const code = errorCodes.find((known) => known === problem?.code) ?? codeOf[response.status] ?? "REQUEST_INVALID";
  return { code, message: detail, advice: adviceFor(code), details: {}, problem: { title, status, detail, code } };
}

const codeOf: Record<number, ErrorCode> = { 401: "AUTH_REQUIRED", 403: "AUTH_FORBIDDEN", 503: "IO_DATABASE" };
