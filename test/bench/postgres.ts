import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A throw-away PostgreSQL whose own pg_dump and pg_restore are installed beside it, as root too. */
export interface BenchPostgres {
  version: string;
  bin(name: string): string;
  url(database: string): string;
  /** Empty, or a copy of another one. */
  createDatabase(name: string, template?: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<BenchPostgres> {
  const folder = installedFolder();
  const bin = (name: string) => join(folder, name);
  const home = await mkdtemp(join(tmpdir(), "holdall-bench-pg-"));
  const ids = userInfo().uid === 0 ? await idsOf("postgres") : undefined;
  const owner = ids ?? {};
  if (ids !== undefined) await chown(home, ids.uid, ids.gid);
  const data = join(home, "data");
  const port = await freePort();
  await execute(bin("initdb"), ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"], owner);
  const settings = ["listen_addresses=127.0.0.1", `unix_socket_directories=${home}`, "max_wal_size=8GB", "shared_buffers=256MB"];
  const args = ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
  const server = spawn(bin("postgres"), args, { stdio: "ignore", ...owner });
  const url = (database: string) => `postgres://bench@127.0.0.1:${port}/${database}`;
  await answering(bin("pg_isready"), port);
  return {
    version: (await execute(bin("postgres"), ["--version"])).stdout.trim(),
    bin,
    url,
    async createDatabase(name, template) {
      const copy = template === undefined ? [] : ["-T", template];
      await execute(bin("createdb"), ["-h", "127.0.0.1", "-p", String(port), "-U", "bench", ...copy, name]);
    },
    async stop() {
      const ended = new Promise((resolve) => server.once("close", resolve));
      server.kill("SIGINT");
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The newest Debian installation that has the server and its tools. */
function installedFolder(): string {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folder = versions
    .map((version) => join(root, version, "bin"))
    .find((bin) => ["initdb", "postgres", "pg_dump", "pg_restore"].every((name) => existsSync(join(bin, name))));
  if (folder === undefined) throw new Error("this benchmark needs PostgreSQL with pg_dump: apt-get install postgresql");
  return folder;
}

async function idsOf(user: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => Number((await execute("id", [flag, user])).stdout)));
  return { uid: uid!, gid: gid! };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answering(isReady: string, port: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const ready = await execute(isReady, ["-h", "127.0.0.1", "-p", String(port)]).then(
      () => true,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("PostgreSQL did not answer in ten seconds");
}
