import { BackupError } from "../../engine/errors.ts";

/** Options by name are all that a body holds. */
const defaultLimit = 64 * 1024;

/** A body that is a JSON object; an empty one is `{}`. @throws BackupError `REQUEST_INVALID` */
export async function readJsonObject(request: Request, limit = defaultLimit): Promise<Record<string, unknown>> {
  const text = await readText(request, limit);
  if (text.trim() === "") return {};
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/json") throw invalid(`the body is application/json, not ${type || "without a Content-Type"}`);
  const value = parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid('the body is a JSON object, such as {"include_files":true}');
}

async function readText(request: Request, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > limit) throw invalid(`the body takes at most ${limit} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("the body is not JSON");
  }
}

function invalid(message: string): BackupError {
  return new BackupError("REQUEST_INVALID", message);
}
