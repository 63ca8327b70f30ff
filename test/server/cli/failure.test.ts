import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { outcomeOf, run, start } from "./command-line.ts";

const databases = useDatabase();
const temporaryFolder = useTemporaryFolders();

let cwd: string;
let database: TestDatabase;
let env: Record<string, string>;

function holdall(...args: string[]) {
  return run({ args, cwd, env });
}

beforeAll(async () => {
  cwd = await temporaryFolder();
  database = await databases.create();
  env = { DATABASE_URL: database.url, HOLDALL_BLOBS: `file:${join(cwd, "blobs")}` };
  expect(await holdall("demo", "--assets", "300", "--files", "10", "--orgs", "1")).toMatchObject({ code: 0 });
  expect(await holdall("export", "--out", "good.zip")).toMatchObject({ code: 0 });
  expect(await holdall("export", "--out", "good.ndjson")).toMatchObject({ code: 0 });
});

/** Files of an export that did not end well. */
async function leftovers(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.includes(".part"));
}

async function activeQueries(): Promise<number> {
  const [row] = await database.sql`select count(*)::int as n from pg_stat_activity
    where datname = ${database.name} and state = 'active' and query ilike 'copy%'`;
  return row!["n"];
}

/** Another user of the database, who may read. */
async function login(role: string): Promise<string> {
  await database.sql.unsafe(`create role ${role} login password 'p'; grant select on all tables in schema public to ${role}`);
  return Object.assign(new URL(database.url), { username: role, password: "p" }).href;
}

async function forget(role: string): Promise<void> {
  await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(20)) if (await condition()) return;
  throw new Error("it did not come about within 15 s");
}

describe("the environment fails: 3, and what to do", () => {
  test("no database", async () => {
    const args = ["export", "--database", "postgres://nobody:secret@127.0.0.1:1/none"];
    const { code, out, err } = await run({ args, cwd, env });
    expect({ code, out }).toEqual({ code: 3, out: "" });
    expect(err).toMatch(/^error {2}IO_DATABASE {2}database none at 127\.0\.0\.1:1 /);
    expect(err).not.toContain("secret");
    const machine = await run({ args: [...args, "--json"], cwd, env });
    expect(machine).toMatchObject({ code: 3, err: "" });
    expect(JSON.parse(machine.out)).toMatchObject({ error: { code: "IO_DATABASE", details: {} } });
  });

  test("no such file, no such folder, no such store", async () => {
    expect(await holdall("verify", "absent.zip")).toMatchObject({
      code: 3,
      err: expect.stringMatching(/IO_SOURCE.*absent\.zip/),
    });
    const folder = await holdall("export", "--out", "no/such/folder.zip");
    expect(folder).toMatchObject({ code: 3, err: expect.stringMatching(/FILE_SYSTEM.*no such file/) });
    const store = await holdall("export", "--blobs", "ftp://nowhere");
    expect(store).toMatchObject({ code: 3, err: expect.stringContaining("is no blob store") });
  });

  test("a stack trace on request only", async () => {
    const args = ["verify", "absent.zip"];
    expect((await run({ args, cwd, env })).err).not.toContain("    at ");
    expect((await run({ args, cwd, env: { ...env, HOLDALL_DEBUG: "1" } })).err).toContain("    at ");
  });
});

describe("Ctrl-C", () => {
  let url: string;

  // One table gives a row a second, to this role alone.
  beforeAll(async () => {
    const role = `slow_${database.name}`;
    url = await login(role);
    await database.sql.unsafe(`alter table vulnerabilities enable row level security;
      create policy slowly on vulnerabilities to ${role} using (pg_sleep(1) is not null)`);
    return () => forget(role);
  });

  /** Runs an export into the middle of a table and ends it with `signal`. */
  async function interrupted(args: string[], signal: NodeJS.Signals) {
    const child = start({ args: ["export", ...args, "--database", url], cwd, env });
    const ended = outcomeOf(child);
    await until(async () => (await activeQueries()) > 0);
    expect(await leftovers(cwd)).toHaveLength(1);
    child.kill(signal);
    return ended;
  }

  test("leaves no file and no running query", async () => {
    const ended = await interrupted(["--out", "interrupted.zip"], "SIGINT");
    expect(ended).toMatchObject({ code: 130, out: "", err: "holdall: interrupted\n" });
    expect(await leftovers(cwd)).toEqual([]);
    expect(await readdir(cwd)).not.toContain("interrupted.zip");
    await until(async () => (await activeQueries()) === 0);
  });

  test("is said as JSON, too; SIGTERM ends with 143", async () => {
    const ended = await interrupted(["--out", "ended.zip", "--json"], "SIGTERM");
    expect(ended).toMatchObject({ code: 143, err: "" });
    expect(JSON.parse(ended.out)).toMatchObject({ error: { code: "INTERRUPTED" } });
    expect(await leftovers(cwd)).toEqual([]);
  });

  test("in a demo leaves the database and the store empty", async () => {
    const fresh = await databases.create();
    const blobs = join(cwd, "half");
    const own = { DATABASE_URL: fresh.url, HOLDALL_BLOBS: `file:${blobs}` };
    const child = start({ args: ["demo", "--assets", "2000", "--files", "5000"], cwd, env: own });
    const ended = outcomeOf(child);
    await until(async () => (await readdir(blobs, { recursive: true }).catch(() => [])).length > 50);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    const [row] = await fresh.sql`select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace`;
    expect(row).toEqual({ n: 0 });
    expect(await run({ args: ["demo", "--assets", "20", "--files", "2"], cwd, env: own })).toMatchObject({ code: 0 });
  });
});

test("a reader that goes away ends an export quietly, with 1", async () => {
  const child = start({ args: ["export", "--out", "-", "--format", "ndjson"], cwd, env });
  const ended = outcomeOf(child);
  child.stdout!.destroy();
  expect(await ended).toMatchObject({ code: 1, err: "" });
});

test("a failure in the middle leaves no file", async () => {
  const role = `barred_${database.name}`;
  const url = await login(role);
  await database.sql.unsafe(`revoke select on reports from ${role}`);
  const { code, err, out } = await holdall("export", "--out", "middle.zip", "--database", url);
  await forget(role);
  expect({ code, out, err }).toEqual({ code: 3, out: "", err: expect.stringMatching(/IO_DATABASE.*permission denied/) });
  expect(await leftovers(cwd)).toEqual([]);
  expect(await readdir(cwd)).not.toContain("middle.zip");
});

describe("a damaged bundle", () => {
  /** The good bundle with some of its lines changed. */
  async function damaged(name: string, change: (line: string) => string | undefined): Promise<string> {
    const lines = (await readFile(join(cwd, "good.ndjson"), "latin1")).split("\n");
    await writeFile(join(cwd, name), lines.flatMap((line) => change(line) ?? []).join("\n"), "latin1");
    return name;
  }

  test("is refused with every finding: code, entry, row and line", async () => {
    let broken = 0;
    const name = await damaged("rows.ndjson", (line) => {
      if (line.includes('"asset_type"') || !line.startsWith('{"id"') || broken >= 2) return line;
      broken++;
      return line.replace('{"id"', '{"id":1,"id"');
    });
    const { code, out } = await holdall("verify", name);
    expect(code).toBe(1);
    expect(out).toMatch(/error {2}SCHEMA_ROW +data\/organizations\.json, line 2 \(row 1\): the column id appears twice/);
    expect(out).toMatch(/error {2}INTEGRITY_HASH +data\/organizations\.json/);
    expect(out).toMatch(/\ninvalid {2}rows\.ndjson: \d+ errors/);
    const machine = JSON.parse((await holdall("verify", name, "--json")).out);
    expect(machine).toMatchObject({ valid: false });
    expect(machine.issues.length).toBeGreaterThan(2);
    for (const command of [["preview"], ["import", "--mode", "merge", "--as", "admin@easm.example", "--yes"]]) {
      const refused = await holdall(...command, name);
      expect(refused).toMatchObject({ code: 1, out: "" });
      expect(refused.err.match(/^error /gm)!.length).toBe(machine.issues.length);
    }
  });

  test("cut short, or not a bundle at all", async () => {
    const whole = await readFile(join(cwd, "good.zip"));
    await writeFile(join(cwd, "cut.zip"), whole.subarray(0, whole.length - 100));
    await writeFile(join(cwd, "text.zip"), "hello");
    for (const name of ["cut.zip", "text.zip"]) {
      for (const command of ["inspect", "verify", "preview"]) {
        expect(await holdall(command, name)).toMatchObject({ code: 1, out: "", err: expect.stringMatching(/^error {2}ZIP_/) });
      }
    }
    expect(await run({ args: ["verify", "-"], cwd, env, input: "" })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error {2}/),
    });
  });

  test("cannot reach the terminal with its names", async () => {
    const name = await damaged("names.ndjson", (line) =>
      line.replace('"app":{"name":"easm"', '"app":{"name":"\\u001b]0;owned\\u0007"'),
    );
    for (const args of [
      ["inspect", name],
      ["verify", name],
      ["preview", name],
    ]) {
      const { out, err } = await holdall(...args);
      expect(out + err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    }
  });

  test("that was piped in leaves nothing in the home folder", async () => {
    const cut = (await readFile(join(cwd, "good.ndjson"))).subarray(0, 5000);
    expect(await run({ args: ["verify", "-"], cwd, env, input: cut })).toMatchObject({ code: 1 });
    expect(await readdir(join(cwd, "home", "spool"))).toEqual([]);
  });
});
