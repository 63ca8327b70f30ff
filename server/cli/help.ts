import type { Command, OptionSpec, OptionSpecs } from "./command.ts";
import { commands } from "./commands.ts";
import type { Paint } from "./paint.ts";
import { outputOptions, targetOptions } from "./settings.ts";

export const exitCodes = `  0  done
  1  refused or invalid: every finding is printed with its code and its place
  2  the command line is wrong
  3  the database, the blob store or the file system failed
  70  a defect in Holdall · 130  ended by Ctrl-C`;

export function generalHelp(paint: Paint): string {
  const widest = Math.max(...Object.keys(commands).map((name) => name.length));
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${paint.cyan(name.padEnd(widest))}  ${summary}`);
  return [
    "Holdall moves an application's state between installations: a portable, previewable, allowlisted backup.",
    `${paint.bold("Usage")}  holdall COMMAND [OPTIONS]`,
    `${paint.bold("Commands")}\n${list.join("\n")}`,
    `${paint.bold("Every command")}\n${optionLines({ ...targetOptions, ...outputOptions }, paint)}`,
    `${paint.bold("Environment")}\n${environment}`,
    `${paint.bold("Exit codes")}\n${exitCodes}`,
    "`holdall COMMAND --help` says more, with examples.",
  ].join("\n\n");
}

const environment = `  HOLDALL_SCOPE, HOLDALL_CONFIG, DATABASE_URL, HOLDALL_BLOBS   as --scope, --config, --database, --blobs
  HOLDALL_HOME     folder for the embedded PostgreSQL and what passes through (.holdall)
  HOLDALL_S3_*     ENDPOINT, REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY, PATH_STYLE of an s3:// store
  HOLDALL_DEBUG=1  where an error came from`;

export function commandHelp(command: Command, paint: Paint): string {
  const operands = command.operands.map(({ name }) => ` ${name}`).join("");
  const explained = command.operands.filter(({ help }) => help !== "");
  const operandLines = explained.map(({ name, help }) => `  ${paint.cyan(name)}  ${help}`);
  const sections = [
    command.purpose,
    `${paint.bold("Usage")}  holdall ${command.name}${operands} [OPTIONS]${operandLines.map((line) => `\n${line}`).join("")}`,
    section("Options", command.options, paint),
    ...general[command.general].map(([title, options]) => section(title, options, paint)),
    `${paint.bold("Examples")}\n${command.examples.map((example) => `  ${example}`).join("\n")}`,
    `${paint.bold("Exit codes")}\n${exitLines(command)}`,
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

function exitLines({ exitCodes: { 0: done, 1: refused } }: Command): string {
  const lines = [`  0  ${done}`, ...(refused === undefined ? [] : [`  1  ${refused}`])];
  return [...lines, "  2  the command line is wrong", "  3  the database, the blob store or the file system failed"].join("\n");
}

const output = ["Output", outputOptions] as const;
const general: Record<Command["general"], (readonly [string, OptionSpecs])[]> = {
  installation: [["Installation", targetOptions], output],
  scope: [["Installation", { scope: targetOptions.scope, config: targetOptions.config }], output],
  output: [output],
  none: [],
};

function section(title: string, options: OptionSpecs, paint: Paint): string {
  return Object.keys(options).length === 0 ? "" : `${paint.bold(title)}\n${optionLines(options, paint)}`;
}

function optionLines(options: OptionSpecs, paint: Paint): string {
  const rows = Object.entries(options).map(([name, spec]) => [signature(name, spec), describe(spec)] as const);
  const widest = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${paint.cyan(left.padEnd(widest))}  ${right}`).join("\n");
}

function signature(name: string, { short, value, multiple }: OptionSpec): string {
  // An option of one letter has no other name.
  const long = name.length === 1 ? `-${name}` : `--${name}`;
  const dashed = short === undefined || short === name ? long : `-${short}, ${long}`;
  return `${dashed}${value === undefined ? "" : ` ${value}`}${multiple ? " …" : ""}`;
}

function describe({ help, default: otherwise }: OptionSpec): string {
  return otherwise === undefined ? help : `${help} (${otherwise})`;
}
