import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BackupError } from "../../engine/errors.ts";
import { type Account, accountFor, nativeFolder, reaches, runnable } from "./embedded-binaries.ts";

/** One PostgreSQL cluster on disk. */
export interface Cluster {
  /** Holds everything below. */
  folder: string;
  data: string;
  /** Pipes and logs of running servers; owned by the account. */
  run: string;
  password: string;
  account: Account;
}

/** The superuser of every embedded cluster. */
export const clusterUser = "holdall";

/** Where a cluster goes whose home the server's account cannot enter. */
const outsideFolder = "/var/lib/holdall";

/** Opens `<home>/postgres`, making it on first use. `say` gets a line where something lies in an unexpected place. */
export async function openCluster(home: string, say: (line: string) => void): Promise<Cluster> {
  const place = join(resolve(home), "postgres");
  const existing = await readCluster(place);
  if (existing !== null) return existing;
  await makeCluster(place, say);
  const made = await readCluster(place);
  if (made !== null) return made;
  throw new BackupError(
    "IO_DATABASE",
    `${place} is no PostgreSQL of Holdall's: it has no password file; move it away and start again`,
  );
}

async function readCluster(place: string): Promise<Cluster | null> {
  const folder = await realpath(place).catch(() => null);
  if (folder === null) return null;
  try {
    const password = (await readFile(join(folder, "password"), "utf8")).trim();
    const data = join(folder, "data");
    return { folder, data, run: join(folder, "run"), password, account: await accountFor(data) };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new BackupError(
      "IO_DATABASE",
      `the embedded PostgreSQL in ${place} belongs to another user; run Holdall as that user, or set HOLDALL_HOME to a folder of your own`,
      {},
      { cause },
    );
  }
}

/**
 * Everything is made in a temporary folder and takes its name in one step: a process that dies here leaves no half
 * cluster, and of two that begin at once one wins and both use the winner's.
 */
async function makeCluster(place: string, say: (line: string) => void): Promise<void> {
  const home = join(place, "..");
  await mkdir(home, { recursive: true });
  const account = await accountFor(join(place, "data"));
  const inside = reaches(account, home);
  const parent = inside ? home : outsideFolder;
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "postgres-"));
  try {
    await fillCluster(folder, account);
    if (inside) await rename(folder, place);
    else await symlink(folder, place);
    if (!inside) say(`PostgreSQL's user cannot enter ${home}; its data is in ${folder}, where ${place} points`);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (!["EEXIST", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

async function fillCluster(folder: string, account: Account): Promise<void> {
  await chmod(folder, account === undefined ? 0o700 : 0o711);
  const data = join(folder, "data");
  const run = join(folder, "run");
  for (const path of [data, run]) {
    await mkdir(path, { mode: 0o700 });
    if (account !== undefined) await chown(path, account.uid, account.gid);
  }
  const password = randomBytes(24).toString("base64url");
  const secret = join(run, "password");
  await writeFile(secret, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) await chown(secret, account.uid, account.gid);
  await runInitdb(folder, data, secret, account);
  await rm(secret);
  await writeFile(join(folder, "password"), `${password}\n`, { mode: 0o600 });
}

async function runInitdb(folder: string, data: string, secret: string, account: Account): Promise<void> {
  const native = await runnable(await nativeFolder(), account, folder);
  const args = [
    ...["--pgdata", data, "--username", clusterUser, "--pwfile", secret, "--auth", "scram-sha-256"],
    // The builtin provider sorts and folds the same on every machine, whatever its C library knows.
    ...["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"],
    ...["--no-instructions", "--data-checksums"],
  ];
  // TZ spares initdb a search through the whole time zone database.
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
  const child = spawn(join(native, "bin", "initdb"), args, { ...account, cwd: data, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const status = await new Promise<number | string>((done) => {
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => done(code ?? signal ?? "killed"));
  });
  if (status === 0) return;
  throw new BackupError(
    "IO_DATABASE",
    `initdb could not make the embedded PostgreSQL in ${folder} (${status}): ${lastLines(output)}`,
  );
}

export function lastLines(text: string, count = 6): string {
  return text.trim().split("\n").slice(-count).join("\n");
}
