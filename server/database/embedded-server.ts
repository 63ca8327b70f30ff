import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, openSync, readSync } from "node:fs";
import { readFile, readlink, rename, rm, statfs, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BackupError } from "../../engine/errors.ts";
import { nativeFolder, runnable } from "./embedded-binaries.ts";
import { type Cluster, lastLines } from "./embedded-cluster.ts";

/** A running server that this process keeps up. */
export interface Hold {
  port: number;
  /** Lets go; where nobody else holds on, the server has ended when this resolves. */
  release(): Promise<void>;
}

/**
 * Keeps one server. Every process that uses the server holds the writing end of the pipe on descriptor 3, so the
 * kernel itself counts the users: a killed one lets go like any other, and the last one to go ends the server.
 *
 * Whoever opens the pipe between the end of file and its renaming is still served: a second reader then does not see
 * the end, and the name comes back. Once the name is gone for good, nobody can join a server that is about to stop.
 *
 * Two shells, so that the name also goes when the server crashes. Should the outer one be killed, the inner one tidies.
 */
const keeperScript = `
pipe=$1; shift
"$@" 3<&- & server=$!
(
  while :; do
    cat <&3 >/dev/null
    rm -f "$pipe.free"
    mv "$pipe" "$pipe.closed"
    (cat <&3 >/dev/null; : >"$pipe.free") &
    sleep 0.05
    [ -e "$pipe.free" ] && break
    mv "$pipe.closed" "$pipe"
  done
  kill -INT $server
  while kill -0 $server; do sleep 0.1; done
  rm -f "$pipe.closed" "$pipe.free"
) 2>/dev/null & watcher=$!
wait $server; status=$?
kill $watcher 2>/dev/null
rm -f "$pipe" "$pipe.closed" "$pipe.free"
exit $status
`;

/** Recovery after a crash replays at most `max_wal_size`. */
const startTimeout = 120_000;
const stopTimeout = 60_000;

/** Joins the server that `server.json` names. `null` where none runs. */
export async function joinServer(cluster: Cluster): Promise<Hold | null> {
  const known = await readFile(join(cluster.folder, "server.json"), "utf8").catch(() => null);
  if (known === null) return null;
  const { port, pipe } = JSON.parse(known) as { port: number; pipe: string };
  try {
    // O_NONBLOCK: a pipe that nobody reads fails with ENXIO instead of blocking; its keeper is dead.
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    return hold(join(cluster.run, pipe), openSync(join(cluster.run, pipe), flags), port);
  } catch (error) {
    if (["ENOENT", "ENXIO"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

/** Starts the server. `null` where another process was faster: join then. */
export async function startServer(cluster: Cluster): Promise<Hold | null> {
  await forgetDeadServer(cluster);
  const id = randomBytes(6).toString("hex");
  const port = await freePort();
  const pipe = join(cluster.run, id);
  const log = join(cluster.run, `${id}.log`);
  const writer = await launch(cluster, pipe, log, port);
  const held = hold(pipe, writer.descriptor, port);
  try {
    await untilReady(cluster, writer.keeper, port);
  } catch (error) {
    await held.release();
    const said = lastLines(await readFile(log, "utf8").catch(() => ""));
    await rm(log, { force: true });
    if (said.includes("postmaster.pid") || said.includes("pre-existing shared memory") || said.includes("Address already in use"))
      return null;
    // On a busy machine it may be slow to start, and somebody who waited for it has taken it for one that nobody can join.
    if (said.includes("fast shutdown request")) return null;
    throw new BackupError(
      "IO_DATABASE",
      `the embedded PostgreSQL in ${cluster.folder} did not start: ${said || (error as Error).message}`,
      {},
      { cause: error },
    );
  }
  await publish(cluster, { port, pipe: id });
  await rename(log, join(cluster.run, "postgres.log"));
  return held;
}

async function launch(cluster: Cluster, pipe: string, log: string, port: number) {
  const { account } = cluster;
  const native = await runnable(await nativeFolder(), account, cluster.folder);
  const made = spawnSync("mkfifo", ["-m", "600", pipe], { ...account, cwd: "/", encoding: "utf8" });
  if (made.status !== 0) {
    const why = lastLines(made.stderr ?? String(made.error));
    throw new BackupError("IO_DATABASE", `the embedded PostgreSQL cannot write to ${cluster.run}: ${why}`);
  }
  // Opened for both first, because opening one end alone waits for the other.
  const both = openSync(pipe, constants.O_RDWR);
  const reader = openSync(pipe, constants.O_RDONLY);
  const descriptor = openSync(pipe, constants.O_WRONLY);
  closeSync(both);
  const logger = openSync(log, "a", 0o600);
  const args = ["-c", keeperScript, "holdall-keeper", pipe, join(native, "bin", "postgres"), ...(await settings(cluster, port))];
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
  // Detached: a Ctrl-C in our terminal reaches us and not the server.
  const keeper = spawn("/bin/sh", args, {
    ...account,
    cwd: cluster.data,
    env,
    detached: true,
    stdio: ["ignore", logger, logger, reader],
  });
  keeper.unref();
  closeSync(logger);
  closeSync(reader);
  return { keeper, descriptor };
}

async function settings(cluster: Cluster, port: number): Promise<string[]> {
  const values = {
    listen_addresses: "127.0.0.1",
    port,
    // A socket's path may have 107 bytes, which a deep checkout exceeds.
    unix_socket_directories: "",
    max_connections: 100,
    shared_buffers: "128MB",
    max_wal_size: "2GB",
    // No replica reads from this server: rows copied into a table made in the same transaction then need no log.
    wal_level: "minimal",
    max_wal_senders: 0,
    dynamic_shared_memory_type: await sharedMemory(),
    jit: "off",
    timezone: "UTC",
    log_timezone: "UTC",
    log_min_messages: "warning",
    log_min_error_statement: "panic",
  };
  return ["-D", cluster.data, ...Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** A container's /dev/shm has 64 MB by default, where parallel queries fail; files in the data folder serve there. */
async function sharedMemory(): Promise<string> {
  const memory = await statfs("/dev/shm").catch(() => null);
  return memory !== null && memory.bavail * memory.bsize >= 512 * 1024 * 1024 ? "posix" : "mmap";
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.on("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}

/** postmaster.pid is PostgreSQL's own account of its state: pid, data, start, port, sockets, address, memory, status. */
async function untilReady(cluster: Cluster, keeper: ChildProcess, port: number): Promise<void> {
  let ended: string | undefined;
  keeper.on("error", (error) => (ended = error.message));
  keeper.on("exit", (code, signal) => (ended = `it ended with ${code ?? signal}`));
  const deadline = Date.now() + startTimeout;
  for (;;) {
    const lines = await postmasterLines(cluster);
    if (Number(lines[3]) === port && lines[7]?.trim() === "ready") return;
    if (ended !== undefined) throw new Error(ended);
    if (Date.now() > deadline) throw new Error(`it was not ready after ${startTimeout / 1000} s`);
    await sleep(10);
  }
}

async function postmasterLines(cluster: Cluster): Promise<string[]> {
  return (await readFile(join(cluster.data, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
}

/**
 * PostgreSQL takes a postmaster.pid for live as long as any process of its user has that pid, which after a restart of
 * the machine can be any program.
 */
async function forgetDeadServer(cluster: Cluster): Promise<void> {
  const pid = await postmasterPid(cluster);
  if (pid === 0 || process.platform !== "linux" || (await worksIn(cluster, pid))) return;
  // Another process may have recovered it meanwhile.
  if ((await postmasterPid(cluster)) === pid) await rm(join(cluster.data, "postmaster.pid"), { force: true });
}

/** Ends a server that lost its keeper (killed, or out of memory): it would run for ever and nobody could join it. */
export async function endOrphan(cluster: Cluster): Promise<void> {
  const pid = await postmasterPid(cluster);
  if (pid !== 0 && (await worksIn(cluster, pid))) process.kill(pid, "SIGINT");
}

/** 0 where there is none. */
async function postmasterPid(cluster: Cluster): Promise<number> {
  return Number((await postmasterLines(cluster))[0]) || 0;
}

/** Whether that process is a live one in our data folder, as only its PostgreSQL is. A zombie has no folder. */
async function worksIn(cluster: Cluster, pid: number): Promise<boolean> {
  const folder = await readlink(`/proc/${pid}/cwd`).catch((error) => (error.code === "EACCES" ? cluster.data : null));
  return folder === cluster.data;
}

async function publish(cluster: Cluster, server: { port: number; pipe: string }): Promise<void> {
  const temporary = join(cluster.folder, `server.json.${server.pipe}`);
  await writeFile(temporary, `${JSON.stringify(server)}\n`, { mode: 0o600 });
  await rename(temporary, join(cluster.folder, "server.json"));
}

function hold(pipe: string, descriptor: number, port: number): Hold {
  let open = true;
  return {
    port,
    async release() {
      if (!open) return;
      open = false;
      const kept = isKept(pipe);
      closeSync(descriptor);
      if (!kept) return;
      const deadline = Date.now() + stopTimeout;
      while (isClosing(pipe) && Date.now() < deadline) await sleep(10);
    },
  };
}

/** Whether a keeper reads the pipe: one that was killed will neither stop its server nor take the pipe away. */
function isKept(pipe: string): boolean {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
    return true;
  } catch {
    return existsSync(`${pipe}.closed`);
  }
}

/** Whether the server of that pipe is about to stop. False once it has, and while others hold it. */
function isClosing(pipe: string): boolean {
  let reader: number;
  try {
    reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    return existsSync(`${pipe}.closed`);
  }
  try {
    // With a writer left, there is nothing to read yet (EAGAIN); without one, the end.
    readSync(reader, new Uint8Array(1));
    return true;
  } catch {
    return false;
  } finally {
    closeSync(reader);
  }
}
