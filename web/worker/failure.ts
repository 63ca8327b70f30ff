import { adviceFor } from "../../engine/advice.ts";
import { checkOf } from "../../engine/checks.ts";
import { BackupError } from "../../engine/errors.ts";
import type { Answer, Failure } from "./protocol.ts";

/** Why a task was ended. */
export class Cancelled extends Error {
  override readonly name = "AbortError";
}

/** A failure that crosses as it is. */
export class FailureError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export async function answered<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: failureOf(error) };
  }
}

/** The value, or the failure thrown again: between Workers. */
export function unwrapped<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  const { code, message, details } = answer.error;
  if (code === "CANCELLED") throw new Cancelled(message);
  if (code === "INTERNAL") throw new FailureError(answer.error);
  throw new BackupError(code, message, details);
}

export function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  if (error instanceof Cancelled) return { code: "CANCELLED", message: error.message, advice: "", details: {} };
  if (error instanceof BackupError) {
    const { code, message, details } = error;
    return { code, message, advice: adviceFor(code), details: plain(details), check: checkOf(code) };
  }
  const message = error instanceof Error ? error.message : String(error);
  const advice = "reload the page and try again; if it stays so, this is a fault of the page and worth a report";
  return { code: "INTERNAL", message, advice, details: {} };
}

/** Details may hold what does not cross. */
function plain(details: BackupError["details"]): BackupError["details"] {
  return JSON.parse(JSON.stringify(details)) as BackupError["details"];
}
