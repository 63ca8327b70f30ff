import { readFile } from "node:fs/promises";
import type { Arguments, Command, Context } from "./command.ts";
import { commands } from "./commands.ts";
import { reportFailure } from "./exit.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { interruptSignal } from "./interrupt.ts";
import { Output } from "./output.ts";
import { parseCommand, splitCommand, unknownCommand } from "./parse.ts";
import { settingsFrom } from "./settings.ts";

/** Runs one command line and gives its exit code; never throws. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const output = new Output({
    json: argv.includes("--json"),
    quiet: argv.includes("--quiet"),
    noColor: argv.includes("--no-color"),
  });
  quietlyLoseReaders();
  try {
    return await dispatch(argv, output);
  } catch (error) {
    return reportFailure(error, output);
  }
}

/** A reader that goes away is met where we write; without a listener, Node would end the process with a stack trace. */
function quietlyLoseReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

async function dispatch(argv: readonly string[], output: Output): Promise<number> {
  const { name, rest } = splitCommand(argv);
  if (name === undefined || name === "help") return help(name, rest, output);
  const entry = commands[name];
  if (entry === undefined) {
    if (rest.includes("--help") || rest.includes("-h")) return groupHelp(name, output);
    throw unknownCommand(name);
  }
  const wantsHelp = rest.includes("--help") || rest.includes("-h");
  if (entry.runRaw !== undefined && !wantsHelp) return entry.runRaw(rest);
  const command = await entry.load();
  const { options, operands, help: asked } = parseCommand(command, rest);
  if (asked) return show(commandHelp(command, output.paint), output);
  const chosen = options as Parameters<typeof settingsFrom>[0];
  const context: Context = { settings: settingsFrom(chosen), output, json: output.json, signal: interruptSignal() };
  return execute(command, { options, operands }, context);
}

async function execute(command: Command, args: Arguments, context: Context): Promise<number> {
  try {
    const result = await command.run(args, context);
    if (result === 0) return 0;
    await context.output.result(result);
    return result.exitCode;
  } catch (error) {
    // Whatever broke after Ctrl-C broke because of it.
    context.signal.throwIfAborted();
    throw error;
  }
}

async function help(name: string | undefined, rest: readonly string[], output: Output): Promise<number> {
  if (rest.includes("--version")) return show(await version(), output);
  if (name === "help" && rest.length > 0) return dispatch([...rest, "--help"], output);
  const asked = name === "help" || rest.includes("--help") || rest.includes("-h");
  if (asked) return show(generalHelp(output.paint), output);
  const unknown = rest.find((word) => word.startsWith("-"));
  if (unknown !== undefined) parseCommand(nothing, rest);
  await output.error(generalHelp(output.errorPaint));
  return 2;
}

/** Stands in where options were given and no command: only the general ones are known. */
const nothing = {
  name: "",
  purpose: "",
  operands: [{ name: "COMMAND", help: "`holdall --help` lists them" }],
  options: {},
  general: "installation" as const,
  examples: [],
  exitCodes: { 0: "" },
  run: () => Promise.reject(new Error("unreachable")),
};

/** `holdall scope --help`: each command of the group in turn. */
async function groupHelp(name: string, output: Output): Promise<number> {
  const members = Object.entries(commands).filter(([known]) => known.startsWith(`${name} `));
  if (members.length === 0) throw unknownCommand(name);
  const texts = await Promise.all(members.map(async ([, { load }]) => commandHelp(await load(), output.paint)));
  return show(texts.join("\n\n\n"), output);
}

async function show(text: string, output: Output): Promise<number> {
  await output.text(text);
  return 0;
}

async function version(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  return `holdall ${(JSON.parse(text) as { version: string }).version}`;
}
