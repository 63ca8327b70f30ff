import { BackupError } from "../errors.ts";
import { parseDocument } from "../json/parse-document.ts";
import { JsonSyntaxError } from "../json/scanner.ts";

/** A control line: an object whose first key starts with `$`. */
export type Control = Record<string, unknown>;

const prefix = [0x7b, 0x22, 0x24]; // {"$

export function isControl(line: Uint8Array): boolean {
  return line[0] === prefix[0] && line[1] === prefix[1] && line[2] === prefix[2];
}

/** @throws BackupError `STREAM_FAILED` for the writer's own `$error`, `STREAM_BAD_RECORD` for what is no control line. */
export function controlOf(line: Uint8Array, offset: number): Control {
  if (!isControl(line)) throw badRecord("a control line was expected", offset);
  let control: Control;
  try {
    control = parseDocument(line) as Control;
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    throw badRecord(`a control line is not valid JSON: ${cause.message}`, offset);
  }
  if ("$error" in control) throw failed(control["$error"], offset);
  return control;
}

function failed(error: unknown, offset: number): BackupError {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return new BackupError(
    "STREAM_FAILED",
    `the export that wrote this stream failed: ${message ?? "no cause given"} (${code ?? "no code"})`,
    {
      offset,
    },
  );
}

export function badRecord(found: string, offset: number): BackupError {
  return new BackupError("STREAM_BAD_RECORD", `${found} (byte ${offset})`, { offset });
}
