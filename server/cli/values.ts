import { type ConflictMode, conflictModes } from "../../engine/plan.ts";
import { parseBytes } from "./numbers.ts";
import { didYouMean } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

/** A whole number from `least` on. */
export function wholeNumber(option: string, text: string | undefined, otherwise: number, least = 0): number {
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text.replaceAll("_", "")) ? Number(text.replaceAll("_", "")) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`${option} takes a whole number from ${least}, not ${JSON.stringify(text)}`);
}

export function byteCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseBytes(text);
  if (value === undefined) throw new UsageError(`${option} takes a size such as 300M or 2GiB, not ${JSON.stringify(text)}`);
  return value;
}

export function instant(option: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const value = new Date(text);
  // Date takes much that is no ISO 8601, and reads some of it by the machine's language and zone.
  const complete = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  if (complete && !Number.isNaN(value.getTime())) return value;
  throw new UsageError(`${option} takes a time such as 2026-03-01T12:00:00Z, not ${JSON.stringify(text)}`);
}

export function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new UsageError(`${option} is ${choices.join(", ")}, not ${JSON.stringify(text)}${didYouMean(text, choices)}`);
}

export function conflictMode(text: string): ConflictMode {
  return oneOf("--mode", text.replaceAll("-", "_"), conflictModes);
}

const words: Record<string, boolean> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

/** `-o include_files=false -o include_users=true`; which options there are is the scope's to say. */
export function scopeOptions(given: readonly string[] = []): Record<string, boolean> {
  const options: Record<string, boolean> = {};
  for (const text of given) {
    const [, name, word] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    const value = word === undefined ? undefined : words[word.toLowerCase()];
    if (name === undefined || value === undefined) {
      throw new UsageError(`-o takes OPTION=true or OPTION=false, not ${JSON.stringify(text)}`);
    }
    options[name] = value;
  }
  return options;
}
