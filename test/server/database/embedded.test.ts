import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, lstat, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../../server/database/connect.ts";
import { openEmbedded } from "../../../server/database/embedded.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const temporaryFolder = useTemporaryFolders();
const holder = join(import.meta.dirname, "hold-embedded.ts");
const children: ChildProcess[] = [];
const isRoot = process.getuid?.() === 0;
const quiet = { say: () => {} };

let made: string;

beforeAll(async () => {
  made = await temporaryFolder();
  const { sql, close } = await connect("embedded:app", { home: made, ...quiet });
  // Servers are killed here, and never the machine: what the disk has not yet got is not lost.
  await sql`alter system set fsync = off`;
  await close();
});

/** A home with a cluster that has been in use, as a copy of one: making each takes as long as most tests. */
async function madeHome(): Promise<string> {
  const home = await temporaryFolder();
  await promisify(execFile)("cp", ["-a", join(made, "postgres"), home]);
  return home;
}

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Another process that holds the cluster until it is told or made to end. */
async function anotherProcess(home: string, database = "other"): Promise<ChildProcess> {
  const child = spawn(process.execPath, [holder, home, database], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout!, "data");
  return child;
}

async function end(child: ChildProcess, how: "politely" | "SIGKILL"): Promise<void> {
  if (how === "politely") child.stdin!.end();
  else child.kill(how);
  await once(child, "exit");
}

async function postmaster(home: string): Promise<number> {
  const text = await readFile(join(home, "postgres/data/postmaster.pid"), "utf8").catch(() => "0");
  return Number(text.split("\n")[0]);
}

/** State, parent, group, session: the fields of /proc/PID/stat behind the name, which may hold spaces. */
async function statOf(pid: number | string): Promise<string[]> {
  const fields = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return fields.slice(fields.lastIndexOf(")") + 2).split(" ");
}

/** The shells that keep a server and what they wait in, the outer shell first; found by descent, never by name. */
async function keepersOf(server: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (/^\d+$/.test(name) && Number(name) !== server) parents.set(Number(name), Number((await statOf(name))[1]));
  }
  const keepers = [Number((await statOf(server))[1])];
  for (const keeper of keepers) keepers.push(...[...parents].filter(([, parent]) => parent === keeper).map(([pid]) => pid));
  expect(await readFile(`/proc/${keepers[0]}/cmdline`, "utf8")).toContain("holdall-keeper");
  return keepers;
}

/** A zombie is not: whatever runs as process 1 here may not collect those that lost their parent. */
function isAlive(pid: number): boolean {
  if (!(pid > 0) || !existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen in 15 s`);
    await sleep(20);
  }
}

async function one(url: string): Promise<unknown> {
  const { sql, close } = await connect(url);
  try {
    return (await sql`select 1 as one`)[0];
  } finally {
    await close();
  }
}

describe("the embedded PostgreSQL", () => {
  test("is made on first use, keeps what is written, and has ended after release", async () => {
    const home = await temporaryFolder();
    const first = await connect("embedded:app", { home });
    await first.sql`create table t as select 7 as n`;
    const pid = await postmaster(home);
    expect(isAlive(pid)).toBe(true);
    await first.close();
    expect(isAlive(pid)).toBe(false);
    const second = await connect("embedded:app", { home });
    expect(await second.sql`select n from t`).toEqual([{ n: 7 }]);
    await second.close();
  });

  test("sorts and folds by code point everywhere, in UTF-8", async () => {
    const { sql, close } = await connect("embedded:app", { home: await temporaryFolder() });
    const [row] = await sql`select pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, datlocale as locale
      from pg_database where datname = 'app'`;
    expect(row).toEqual({ encoding: "UTF8", provider: "b", locale: "C.UTF-8" });
    expect((await sql`select upper('é') as upper`)[0]).toEqual({ upper: "É" });
    await close();
  });

  test("listens on loopback only and wants its password", async () => {
    const home = await madeHome();
    const { url, release } = await openEmbedded("app", { home });
    const [passwordMode, folderMode] = await Promise.all(
      ["password", "data"].map((name) => modeOf(join(home, "postgres", name))),
    );
    expect([passwordMode, folderMode]).toEqual(["600", "700"]);
    const wrong = Object.assign(new URL(url), { password: "wrong" }).href;
    await expect(connect(wrong)).rejects.toMatchObject({ code: "IO_DATABASE", details: { sqlstate: "28P01" } });
    const { sql, close } = await connect(url);
    expect(await sql`show listen_addresses`).toEqual([{ listen_addresses: "127.0.0.1" }]);
    await close();
    await release();
  });

  test.skipIf(!isRoot)("does not run as root", async () => {
    const home = await madeHome();
    const { release } = await openEmbedded("app", { home });
    const pid = await postmaster(home);
    expect((await stat(`/proc/${pid}`)).uid).not.toBe(0);
    await release();
  });

  test("has several databases, and names that are not one are refused", async () => {
    const home = await madeHome();
    const [a, b] = await Promise.all([openEmbedded("a", { home }), openEmbedded("b-2", { home })]);
    expect([await one(a.url), await one(b.url)]).toEqual([{ one: 1 }, { one: 1 }]);
    for (const name of ["", "postgres", "template1", 'x"y', "a b", "../x", "n".repeat(64)]) {
      await expect(openEmbedded(name, { home }), name).rejects.toMatchObject({ code: "IO_DATABASE" });
    }
    await Promise.all([a.release(), b.release()]);
    expect(await postmaster(home)).toBe(0);
  });
});

describe("two processes", () => {
  test("share one server; the last one to go ends it", async () => {
    const home = await madeHome();
    const other = await anotherProcess(home);
    const pid = await postmaster(home);
    const { url, release } = await openEmbedded("mine", { home });
    expect(await postmaster(home)).toBe(pid);
    await end(other, "politely");
    await sleep(300);
    expect(await one(url)).toEqual({ one: 1 });
    await release();
    expect(isAlive(pid)).toBe(false);
  });

  test("that begin at the same moment on nothing share one server", async () => {
    const home = await temporaryFolder();
    const others = await Promise.all(Array.from({ length: 4 }, (_, index) => anotherProcess(home, `db${index}`)));
    const pid = await postmaster(home);
    expect(await readdir(home)).toEqual(["postgres"]);
    await Promise.all(others.map((other) => end(other, "politely")));
    expect(isAlive(pid)).toBe(false);
  });

  test("that come and go at random never meet a server that is stopping", async () => {
    const home = await madeHome();
    const visits = Array.from({ length: 6 }, async (_, visitor) => {
      for (let round = 0; round < 8; round++) {
        const { sql, close } = await connect(`embedded:db${visitor % 2}`, { home });
        await sleep(Math.random() * 40);
        expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
        await close();
        await sleep(Math.random() * 120);
      }
    });
    await Promise.all(visits);
    await until(async () => (await postmaster(home)) === 0, "the end of the server");
  });
});

describe("one who comes the moment the last one goes", () => {
  test("keeps the server up", async () => {
    const home = await madeHome();
    let held = await openEmbedded("app", { home });
    for (let round = 0; round < 8; round++) {
      const going = held.release();
      const next = await openEmbedded("app", { home });
      // Longer than the keeper takes to be sure that nobody is left.
      const { sql, close } = await connect(next.url);
      await sleep(200);
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
      await close();
      await going;
      held = next;
    }
    await held.release();
    expect(await postmaster(home)).toBe(0);
  });
});

describe("after a kill -9", () => {
  test("of the only holder, the server ends by itself", async () => {
    const home = await madeHome();
    const other = await anotherProcess(home);
    const pid = await postmaster(home);
    await end(other, "SIGKILL");
    await until(() => !isAlive(pid), "the end of the server");
    await until(async () => (await readdir(join(home, "postgres/run"))).join() === "postgres.log", "tidying up");
  });

  test("of one holder, the others go on, and their end ends the server", async () => {
    const home = await madeHome();
    const other = await anotherProcess(home);
    const { url, release } = await openEmbedded("mine", { home });
    await end(other, "SIGKILL");
    await sleep(300);
    expect(await one(url)).toEqual({ one: 1 });
    const pid = await postmaster(home);
    await release();
    expect(isAlive(pid)).toBe(false);
  });

  test("of the server itself, the next to come starts it again with what was committed", async () => {
    const home = await madeHome();
    const first = await connect("embedded:app", { home });
    await first.sql`create table t as select 7 as n`;
    process.kill(await postmaster(home), "SIGKILL");
    // `first` still holds on: what it holds is dead, and must not keep others from a new one.
    const second = await connect("embedded:app", { home });
    expect(await second.sql`select n from t`).toEqual([{ n: 7 }]);
    await first.close();
    expect(await second.sql`select 1 as one`).toEqual([{ one: 1 }]);
    await second.close();
    expect(await postmaster(home)).toBe(0);
  });

  test("of the server and its keeper, a lock file that names another living process is no obstacle", async () => {
    const home = await madeHome();
    const first = await connect("embedded:app", { home });
    const pid = await postmaster(home);
    for (const victim of [...(await keepersOf(pid)), pid]) process.kill(victim, "SIGKILL");
    await until(() => !isAlive(pid), "the end of the server");
    const lock = join(home, "postgres/data/postmaster.pid");
    const account = await stat(join(home, "postgres/data"));
    // Pids are used again: one that now belongs to a program of the same user.
    const stranger = spawn("sleep", ["60"], isRoot ? { uid: account.uid, gid: account.gid, cwd: "/" } : {});
    children.push(stranger);
    await writeFile(lock, (await readFile(lock, "utf8")).replace(/^\d+/, String(stranger.pid)));
    const second = await connect("embedded:app", { home });
    expect(await second.sql`select 1 as one`).toEqual([{ one: 1 }]);
    await first.close();
    await second.close();
  });

  test("of the keeper, a server that nobody can join is replaced", async () => {
    const home = await madeHome();
    const first = await connect("embedded:app", { home });
    await first.sql`create table t as select 7 as n`;
    const pid = await postmaster(home);
    const keepers = await keepersOf(pid);
    for (const keeper of keepers) process.kill(keeper, "SIGKILL");
    await until(() => !keepers.some(isAlive), "the end of the keeper");
    const second = await connect("embedded:app", { home });
    expect(await postmaster(home)).not.toBe(pid);
    expect(await second.sql`select n from t`).toEqual([{ n: 7 }]);
    await second.close();
    await first.close();
    await until(() => !isAlive(pid), "the end of the first server");
  });

  test("of the keeper's outer shell, the inner one still ends the server with the last holder", async () => {
    const home = await madeHome();
    const first = await connect("embedded:app", { home });
    const pid = await postmaster(home);
    process.kill((await keepersOf(pid))[0]!, "SIGKILL");
    const second = await connect("embedded:app", { home });
    expect(await postmaster(home)).toBe(pid);
    await first.close();
    await second.close();
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(join(home, "postgres/run"))).toEqual(["postgres.log"]);
  });
});

describe("signals", () => {
  test("of the terminal do not reach the server: it has a session of its own", async () => {
    const home = await madeHome();
    const other = await anotherProcess(home);
    const pid = await postmaster(home);
    expect((await statOf(pid))[3]).not.toBe((await statOf(other.pid!))[3]);
    other.kill("SIGINT");
    await once(other, "exit");
    await until(() => !isAlive(pid), "the end of the server");
  });
});

describe.skipIf(!isRoot)("as root, below a folder that only root may enter", () => {
  test("the data goes where PostgreSQL's user can, the home points there, and it says so", async () => {
    const closed = await temporaryFolder();
    await chmod(closed, 0o700);
    const home = join(closed, "home");
    const said: string[] = [];
    const first = await connect("embedded:app", { home, say: (line) => said.push(line) });
    await first.sql`create table t as select 7 as n`;
    await first.close();
    const place = join(home, "postgres");
    const real = await realpath(place);
    try {
      expect((await lstat(place)).isSymbolicLink()).toBe(true);
      expect(said.join()).toContain(real);
      const second = await connect("embedded:app", { home, ...quiet });
      expect(await second.sql`select n from t`).toEqual([{ n: 7 }]);
      await second.close();
    } finally {
      await rm(real, { recursive: true, force: true });
    }
    expect(existsSync(real)).toBe(false);
  });
});

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}
