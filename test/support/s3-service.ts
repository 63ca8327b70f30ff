import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { S3Settings } from "./s3.ts";
import type { Service } from "./services.ts";

const script = join(import.meta.dirname, "real-s3.sh");

/** A Ceph gateway of our own, or the server that `HOLDALL_TEST_S3=http://key:secret@host:port` names. */
export async function startS3(): Promise<Service> {
  const external = process.env["HOLDALL_TEST_S3"] ?? "";
  if (/^https?:/.test(external)) return { settings: fromUrl(external), async stop() {} };
  const folder = await mkdtemp(join(tmpdir(), "holdall-s3-"));
  const guard = guardOf(folder);
  try {
    const lines = await run("start", folder, String(await freePort()));
    return { settings: parse(lines), stop: () => endGuard(guard) };
  } catch (error) {
    await endGuard(guard);
    throw error;
  }
}

/** The daemons outlive us by design; this process ends them once our end of its pipe closes, however we end. */
function guardOf(folder: string): ChildProcess {
  const command = 'cat >/dev/null; bash "$0" stop "$1"; rm -rf "$1"';
  return spawn("/bin/sh", ["-c", command, script, folder], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
}

async function endGuard(guard: ChildProcess): Promise<void> {
  guard.stdin?.end();
  if (guard.exitCode === null) await once(guard, "exit");
}

async function run(...args: string[]): Promise<string> {
  const child = spawn("bash", [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`real-s3.sh ${args[0]} ended with ${status}: ${errors}`);
  return output;
}

function parse(lines: string): S3Settings {
  const found = Object.fromEntries(
    lines
      .trim()
      .split("\n")
      .map((line) => line.split(/=(.*)/s)),
  );
  return {
    endpoint: found.S3_ENDPOINT,
    region: found.S3_REGION,
    accessKeyId: found.S3_ACCESS_KEY_ID,
    secretAccessKey: found.S3_SECRET_ACCESS_KEY,
  };
}

function fromUrl(text: string): S3Settings {
  const { origin, username, password } = new URL(text);
  return { endpoint: origin, region: "us-east-1", accessKeyId: username, secretAccessKey: password };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
