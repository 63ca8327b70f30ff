import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const launcher = fileURLToPath(new URL("../../../server/cli/holdall.js", import.meta.url));

export interface Invocation {
  args: string[];
  cwd: string;
  env?: Record<string, string>;
  input?: Uint8Array | string;
}

export interface Outcome {
  code: number | null;
  stdout: Buffer;
  /** stdout as text. */
  out: string;
  err: string;
}

/** Starts the real executable; nothing of the test run's own settings reaches it. */
export function start({ args, cwd, env }: Invocation): ChildProcess {
  const clean = { PATH: process.env["PATH"] ?? "", HOME: cwd, HOLDALL_HOME: `${cwd}/home` };
  return spawn(process.execPath, [launcher, ...args], { cwd, env: { ...clean, ...env }, stdio: "pipe" });
}

export async function run(invocation: Invocation): Promise<Outcome> {
  const child = start(invocation);
  child.stdin!.on("error", () => {}); // it may end before it has read everything
  child.stdin!.end(invocation.input ?? "");
  return outcomeOf(child);
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const parts: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout!.on("data", (chunk) => parts.stdout.push(chunk));
  child.stderr!.on("data", (chunk) => parts.stderr.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  const stdout = Buffer.concat(parts.stdout);
  return { code, stdout, out: stdout.toString(), err: Buffer.concat(parts.stderr).toString() };
}
