import type { Output } from "./output.ts";
import type { Paint } from "./paint.ts";
import type { Settings } from "./settings.ts";

export interface OptionSpec {
  type: "string" | "boolean";
  short?: string;
  multiple?: boolean;
  /** Stands for the value in the help. */
  value?: string;
  help: string;
  /** What holds without the option, for the help. */
  default?: string;
}

export type OptionSpecs = Record<string, OptionSpec>;

type ValueOf<S extends OptionSpec> = S["type"] extends "boolean" ? boolean : S["multiple"] extends true ? string[] : string;

export interface Arguments<O extends OptionSpecs = OptionSpecs> {
  options: { [K in keyof O]?: ValueOf<O[K]> | undefined };
  /** One for each of the command's operands. */
  operands: string[];
}

export interface Context {
  settings: Settings;
  output: Output;
  json: boolean;
  /** Aborted by Ctrl-C; its reason is an `Interrupted`. */
  signal: AbortSignal;
}

/** What a command came to: one value for machines and the same for people. */
export interface Result {
  exitCode: 0 | 1;
  json: unknown;
  text(paint: Paint): string;
  /** Where stdout carries something else. */
  toStderr?: boolean;
}

export interface Command<O extends OptionSpecs = OptionSpecs> {
  name: string;
  purpose: string;
  operands: { name: string; help: string }[];
  options: O;
  /** Which of the general options mean something here: those of the installation, its scope alone, those of the output alone. */
  general: "installation" | "scope" | "output" | "none";
  examples: string[];
  /** What 0 and 1 mean here; without 1, it does not occur. */
  exitCodes: { 0: string; 1?: string };
  /** Gives 0 where everything was said already. */
  run(args: Arguments<O>, context: Context): Promise<Result | 0>;
}

/** Gives `run` the types of its options. */
export function defineCommand<const O extends OptionSpecs>(command: Command<O>): Command<O> {
  return command;
}
