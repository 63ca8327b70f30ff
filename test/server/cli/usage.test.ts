import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { commands } from "../../../server/cli/commands.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { launcher, run } from "./command-line.ts";

const temporaryFolder = useTemporaryFolders();

async function holdall(...args: string[]) {
  return run({ args, cwd: await temporaryFolder() });
}

describe("help", () => {
  test("lists every command, on stdout", async () => {
    const { code, out, err } = await holdall("--help");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const name of Object.keys(commands)) expect(out).toContain(`  ${name}  `);
  });

  test.each(Object.keys(commands))("%s: purpose, options, examples, exit codes", async (name) => {
    const { code, out, err } = await holdall(...name.split(" "), "--help");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const part of ["Usage  holdall ", "Examples\n  ", "Exit codes\n  0  "]) expect(out).toContain(part);
    expect((await holdall("help", ...name.split(" "))).out).toBe(out);
  });

  test("a command that is missing is wrong usage, and the help goes to stderr", async () => {
    const { code, out, err } = await holdall();
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("Usage  holdall");
  });

  test("piped text has no colours unless they are forced", async () => {
    const cwd = await temporaryFolder();
    const colours = async (args: string[], env: Record<string, string>) =>
      (await run({ args: ["--help", ...args], cwd, env })).out.includes("\x1b[");
    expect(await colours([], {})).toBe(false);
    expect(await colours([], { FORCE_COLOR: "1" })).toBe(true);
    expect(await colours(["--no-color"], { FORCE_COLOR: "1" })).toBe(false);
  });
});

describe("wrong usage ends with 2 and says what was meant", () => {
  test.each([
    [["exprot"], "there is no command exprot; did you mean export?"],
    [["scope", "chekc"], "there is no command scope chekc; did you mean scope check?"],
    [["scope"], "scope needs one more word: scope init or scope show or scope check"],
    [["export", "--fromat", "zip"], "export has no option --fromat; did you mean --format?"],
    [["--jsn"], "holdall has no option --jsn; did you mean --json?"],
    [["export", "--format", "tar"], '--format is zip, ndjson, not "tar"'],
    [["export", "-o", "include_files=perhaps"], "-o takes OPTION=true or OPTION=false"],
    [["export", "-o", "include_everything=true"], "no option is named include_everything"],
    [["export", "--created-at", "yesterday"], "--created-at takes a time such as"],
    [["export", "extra"], 'export does not know what to do with "extra"'],
    [["verify"], "FILE is missing"],
    [["demo", "--assets", "many"], "--assets takes a whole number from 0"],
    [["demo", "--ciphers", "3"], "--ciphers is of the scope vault, and the scope is easm"],
    [["demo", "--large-file", "big"], "--large-file takes a size such as"],
    [["preview", "x.zip", "--mode", "merg"], "did you mean merge?"],
    [["import", "x.zip"], "--mode is missing"],
    [["import", "x.zip", "--mode", "merge"], "--as is missing"],
    [["import", "x.zip", "--mode", "merge", "--as", "a@example.com"], "there is no terminal to ask on: add --yes"],
    [["import", "x.zip", "--mode", "merge", "--as", "a@example.com", "--json"], "--json leaves nobody to ask"],
    [["--scope", "esam", "scope", "show"], "no scope is named esam; there is easm and vault; did you mean easm?"],
    [["serve", "--port", "70000"], "--port goes up to 65535"],
  ])("%j", async (args, message) => {
    const { code, out, err } = await holdall(...args);
    expect({ code, text: out + err }).toMatchObject({ code: 2, text: expect.stringContaining(message) });
    expect(args.includes("--json") ? err : out).toBe("");
  });

  test("--json gives the error as one JSON value on stdout", async () => {
    const { code, out, err } = await holdall("exprot", "--json");
    expect({ code, err }).toEqual({ code: 2, err: "" });
    expect(JSON.parse(out)).toMatchObject({ error: { code: "USAGE", message: expect.stringContaining("exprot") } });
  });
});

describe("a Node that cannot run TypeScript", () => {
  const old = (env: NodeJS.ProcessEnv) =>
    promisify(execFile)(process.execPath, ["--no-experimental-strip-types", launcher, "--version"], { env });

  test("hands over to the pinned one", async () => {
    expect((await old({ PATH: process.env["PATH"] })).stdout).toMatch(/^holdall \d+\.\d+\.\d+\n$/);
  });

  test("says what to do where there is no better one", async () => {
    const failure = await old({ HOLDALL_HANDED_OVER: "1" }).catch((error) => error);
    expect(failure).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("needs Node 22.18 or later") });
  });
});

test("scope show says what stays, and why; as data with --json", async () => {
  const text = await holdall("scope", "show");
  expect(text).toMatchObject({ code: 0, err: "" });
  expect(text.out).toContain("refresh_tokens");
  const { tables, excludedTables } = JSON.parse((await holdall("scope", "show", "--json")).out);
  expect(Object.keys(tables)).toContain("assets");
  expect(Object.keys(excludedTables)).toContain("api_keys");
});
