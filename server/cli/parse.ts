import { parseArgs } from "node:util";
import type { Arguments, Command, OptionSpecs } from "./command.ts";
import { commands } from "./commands.ts";
import { outputOptions, targetOptions } from "./settings.ts";
import { didYouMean } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

const globalOptions: OptionSpecs = { ...targetOptions, ...outputOptions };

/** The command's name, and everything else: options may stand before it. */
export interface Split {
  name: string | undefined;
  rest: string[];
}

export function splitCommand(argv: readonly string[]): Split {
  const rest = [...argv];
  const at = firstOperand(rest);
  if (at === undefined) return { name: undefined, rest };
  const [word] = rest.splice(at, 1) as [string];
  const group = Object.keys(commands).filter((name) => name.startsWith(`${word} `));
  if (group.length === 0) return { name: word, rest };
  const next = firstOperand(rest);
  if (next === undefined) return { name: word, rest };
  return { name: `${word} ${rest.splice(next, 1)[0]}`, rest };
}

/** Skips options and the values of those that take one. */
function firstOperand(argv: readonly string[]): number | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") return undefined;
    if (!word.startsWith("-") || word === "-") return i;
    if (globalOptions[word.slice(2)]?.type === "string") i++;
  }
  return undefined;
}

/** @throws UsageError with the nearest suggestion */
export function unknownCommand(name: string): UsageError {
  const within = Object.keys(commands).filter((known) => known.startsWith(`${name} `));
  if (within.length > 0) return new UsageError(`${name} needs one more word: ${within.join(" or ")}`);
  return new UsageError(`there is no command ${name}${didYouMean(name, Object.keys(commands))}`);
}

/** Parses what stands behind a command. */
export function parseCommand(command: Command, argv: readonly string[]): Arguments & { help: boolean } {
  const specs: OptionSpecs = { ...globalOptions, ...command.options };
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
    ]),
  );
  try {
    const parsed = parseArgs({ args: [...argv], options, strict: true, allowPositionals: true });
    const help = (parsed.values as { help?: boolean }).help === true;
    if (!help) assertOperands(command, parsed.positionals);
    return { options: parsed.values as Arguments["options"], operands: parsed.positionals, help };
  } catch (error) {
    throw asUsageError(error, command, specs, argv);
  }
}

function assertOperands(command: Command, given: readonly string[]): void {
  const missing = command.operands[given.length];
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing: ${missing.help}`, command.name);
  if (given.length === command.operands.length) return;
  const extra = given.slice(command.operands.length).join(" ");
  throw new UsageError(`${command.name} does not know what to do with ${JSON.stringify(extra)}`, command.name);
}

function asUsageError(error: unknown, command: Command, specs: OptionSpecs, argv: readonly string[]): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined || !code.startsWith("ERR_PARSE_ARGS")) return error;
  if (code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION") return new UsageError(message, command.name);
  const unknown = firstUnknown(specs, argv) ?? "that";
  const known = Object.keys(specs).map((name) => `--${name}`);
  return new UsageError(`${command.name || "holdall"} has no option ${unknown}${didYouMean(unknown, known)}`, command.name);
}

function firstUnknown(specs: OptionSpecs, argv: readonly string[]): string | undefined {
  const shorts = Object.values(specs).map(({ short }) => short);
  for (const word of argv) {
    const [, dashes, name = ""] = /^(--?)([^=]+)/.exec(word) ?? [];
    if (dashes === "--" && !Object.hasOwn(specs, name)) return `--${name}`;
    if (dashes === "-" && !shorts.includes(name[0])) return `-${name[0]}`;
  }
  return undefined;
}
