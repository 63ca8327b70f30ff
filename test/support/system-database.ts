import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accountFor } from "../../server/database/embedded-binaries.ts";
import type { Service } from "./services.ts";

const versions = "/usr/lib/postgresql";

/** The programs of the newest PostgreSQL that Debian's packages installed. */
function systemPrograms(): string | undefined {
  const found = existsSync(versions) ? readdirSync(versions).map(Number).filter(Number.isInteger) : [];
  const newest = found.filter((version) => existsSync(`${versions}/${version}/bin/postgres`)).sort((a, b) => b - a)[0];
  return newest === undefined ? undefined : `${versions}/${newest}/bin`;
}

/** Why there is no second PostgreSQL here. Under CI=true one must be there, and tests run and fail. */
export function systemDatabaseSkipReason(): string | undefined {
  if (process.env["CI"] === "true" || systemPrograms() !== undefined) return undefined;
  return `no PostgreSQL in ${versions}: install Debian's package postgresql`;
}

/** A cluster of the distribution's own PostgreSQL for the run. */
export async function startSystemDatabase(): Promise<Service> {
  const programs = systemPrograms();
  if (programs === undefined) throw new Error(`no PostgreSQL in ${versions}; .ci/run installs Debian's package postgresql`);
  const home = await mkdtemp(join(tmpdir(), "holdall-system-postgres-"));
  await chmod(home, 0o711);
  const account = await accountFor(join(home, "data"));
  const data = join(home, "data");
  await mkdir(data, { mode: 0o700 });
  if (account !== undefined) await chown(data, account.uid, account.gid);
  const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8", TZ: "UTC" };
  const made = spawnSync(join(programs, "initdb"), ["-D", data, "-U", "holdall", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    ...account,
    env,
    cwd: data,
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const server = start(join(programs, "postgres"), data, port, { ...account, env, cwd: data });
  await untilReady(data, server);
  return {
    settings: { url: `postgres://holdall@127.0.0.1:${port}/postgres` },
    async stop() {
      const ended = once(server, "exit");
      server.kill("SIGINT");
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
}

function start(program: string, data: string, port: number, options: object): ChildProcess {
  const settings = [
    "listen_addresses=127.0.0.1",
    `port=${port}`,
    "unix_socket_directories=",
    "fsync=off",
    "jit=off",
    "dynamic_shared_memory_type=mmap",
  ];
  const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  return spawn(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
}

/** The eighth line of postmaster.pid is PostgreSQL's own word for its state. */
async function untilReady(data: string, server: ChildProcess): Promise<void> {
  let said = "";
  server.stderr!.on("data", (chunk) => (said = `${said}${chunk}`.slice(-2000)));
  for (let waited = 0; waited < 60_000; waited += 50) {
    const state = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
    if (state.split("\n")[7]?.trim() === "ready") return;
    if (server.exitCode !== null) break;
    await sleep(50);
  }
  throw new Error(`the system's PostgreSQL did not start: ${said}`);
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer().on("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
