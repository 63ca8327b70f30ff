import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openAsBlob } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useDatabase } from "../../support/database.ts";
import { expectQuiet, expectUntouched, importStates, orphans, type Phase, phases, until } from "../../support/import-phases.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  stateOf,
} from "../../support/instances.ts";
import { ownInstance } from "../../support/own-instance.ts";
import { useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { launcher } from "../cli/command-line.ts";

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();
const running = new Set<ChildProcess>();
const files = 24;
/** Every Nth statement of an import is killed in turn; 1 takes very long. */
const stride = Number(process.env["HOLDALL_TEST_STRIDE"] ?? 151);
/** Where no stride is asked for, only every other phase: starting a process for each is what takes the time. */
const killed = phases.filter((_, i) => process.env["HOLDALL_TEST_STRIDE"] !== undefined || i % 2 === 0);

let home: string;
let bundle: string;
let source: Instance;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 120, files, orgs: 2 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
});

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** The real executable. The launcher may start another Node, which is why a whole group of processes is killed. */
function start(args: string[], database: string, store: string): ChildProcess {
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, HOLDALL_HOME: join(home, "home"), DATABASE_URL: database };
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: home,
    env: { ...env, HOLDALL_BLOBS: `file:${join(home, store)}` },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.stderr!.resume();
  return child;
}

/** As a power cut ends it: no handler runs. */
async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  process.kill(-child.pid!, "SIGKILL");
  await gone;
}

const importArguments = () => ["import", bundle, "--mode", "skip_existing", "--as", "importer@target.example", "--yes", "--json"];

describe("kill -9 of `holdall import`", () => {
  let target: Instance;
  let before: Awaited<ReturnType<typeof stateOf>>;
  let tapUrl: string;
  let hold: (phase: Phase) => Promise<unknown>;

  beforeAll(async () => {
    target = await emptyInstance(db, folderStore(home, "target"));
    before = await stateOf(target);
    const tap = await tapOf(target.url);
    tapUrl = tap.url;
    hold = ({ statement, answer }) => tap.hold((text) => statement.test(text), answer ? "answer" : "statement");
  });

  async function killedAt(phase: Phase): Promise<string[]> {
    const held = hold(phase);
    const child = start(importArguments(), tapUrl, "target");
    await held;
    await kill(child);
    const left = await orphans(target);
    await expectQuiet(target.sql);
    expect((await stateOf(target)).tables).toEqual(before.tables);
    return left;
  }

  // Every run is the next import of the one before, and removes what that one left.
  test.each(killed)("$name: the database is as before", async (phase) => {
    const left = await killedAt(phase);
    const written = phases.indexOf(phase) > phases.findIndex(({ name }) => name === "about to write objects");
    if (written) expect(left).toHaveLength(files);
    else expect(left.length, phase.name).toBeLessThanOrEqual(phase.name === "about to write objects" ? files : 0);
    const states = (await target.sql`select to_regclass('holdall_journal.imports') is not null as made`)[0]!["made"]
      ? await importStates(target.sql)
      : [];
    expect(states.slice(0, -1).every((state) => state === "recovered")).toBe(true);
    if (phases.indexOf(phase) > phases.findIndex(({ name }) => name === "verifying")) expect(states.at(-1)).toBe("running");
  });

  test("while objects are being written, some are there; the next import removes them", async () => {
    const child = start(importArguments(), target.url, "target");
    const from = await importStates(target.sql).then((states) => states.length);
    await until("the first object of this import", async () => {
      const announced =
        await target.sql`select 1 from holdall_journal.import_objects o join holdall_journal.imports i on i.id = import_id
        where state = 'running' limit 1`;
      return (await importStates(target.sql)).length > from && announced.length > 0 && (await orphans(target)).length > 0;
    });
    await kill(child);
    await expectQuiet(target.sql);
    expect((await stateOf(target)).tables).toEqual(before.tables);
    // A refusal is an import, too: it removes what it finds before anything else.
    await expect(importFile(target, bundle, "skip_existing", { planDigest: "another" })).rejects.toMatchObject({
      code: "IMPORT_PLAN_CHANGED",
    });
    await expectUntouched(target, before);
    expect(new Set((await importStates(target.sql)).slice(0, -1))).toEqual(new Set(["recovered"]));
    expect(await target.sql`select 1 from holdall_journal.import_objects`).toEqual([]);
  });

  test("behind the commit: the database is as after, and no object is taken for an orphan", async () => {
    const tap = await tapOf(target.url);
    // The migrations' commit has passed by then.
    const held = tap
      .hold((text) => text.startsWith("update holdall_journal.imports set state = 'committed'"))
      .then(({ release }) => {
        const commit = tap.hold((text) => text === "commit", "answer");
        release();
        return commit;
      });
    const child = start(importArguments(), tap.url, "target");
    await held;
    await kill(child);
    await expectQuiet(target.sql);
    expect((await importStates(target.sql)).at(-1)).toBe("committed");
    const after = await stateOf(target);
    expect(after.objects).toEqual((await stateOf(source)).objects);
    const report = await importFile(target, bundle);
    expect(report.plan.tables.map(({ outcomes }) => outcomes.insert ?? 0).reduce((sum, n) => sum + n)).toBe(0);
    expect(await stateOf(target)).toEqual(after);
    expect(await orphans(target)).toEqual([]);
  });
});

describe("kill -9 at any statement", () => {
  test("before or after, never between; and the next import succeeds", async () => {
    const target = await ownInstance(db, folderStore(home, "anywhere"), source);
    const untouched = await stateOf(target);
    const tap = await tapOf(target.url);
    const args = [...importArguments(), "--map-user", `${source.importer.id}=${target.importer.email}`];
    for (let n = 3; ; n += stride) {
      const from = tap.statements.length;
      const held = tap.hold((_, number) => number === from + n);
      const child = start(args, tap.url, "anywhere");
      const exited = once(child, "exit").then(([code]) => code as number);
      const first = await Promise.race([held, exited]);
      if (typeof first === "number") {
        expect(first).toBe(0);
        break;
      }
      await kill(child);
      await expectQuiet(target.sql);
      expect((await stateOf(target)).tables, first.statement).toEqual(untouched.tables);
    }
    tap.forget();
    expect((await importStates(target.sql)).at(-1)).toBe("committed");
    expect(await orphans(target)).toEqual([]);
    await expectQuiet(target.sql);
  }, 600_000);
});

describe("kill -9 of a server that imports", () => {
  test("leaves the database as before; the next server imports, and clears up the upload and the objects", async () => {
    const target = await emptyInstance(db, folderStore(home, "served"));
    const before = await stateOf(target);
    const tap = await tapOf(target.url);
    for (const name of ["staging", "about to write objects", "between two tables"]) {
      const phase = phases.find((known) => known.name === name)!;
      const { child, url, token } = await serve(tap.url);
      const held = tap.hold((text) => phase.statement.test(text), phase.answer ? "answer" : "statement");
      const answer = upload(url, token).catch(() => "cut");
      await held;
      await kill(child);
      expect(await answer, name).toBe("cut");
      await expectQuiet(target.sql);
      expect((await stateOf(target)).tables).toEqual(before.tables);
    }
    expect(await orphans(target)).toHaveLength(files);
    const { child, url, token } = await serve(target.url);
    const lines = (await upload(url, token)).trim().split("\n");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ result: { failed_blobs: [] } });
    expect(await importStates(target.sql)).toEqual(["recovered", "recovered", "recovered", "committed"]);
    expect(await orphans(target)).toEqual([]);
    await kill(child);
    await expectQuiet(target.sql);
  });

  async function serve(database: string): Promise<{ child: ChildProcess; url: string; token: string }> {
    const child = start(["serve", "--port", "0", "--json"], database, "served");
    let text = "";
    for await (const line of createInterface({ input: child.stdout! })) {
      text += line;
      if (line.endsWith("}")) break;
    }
    const { api, token } = JSON.parse(text) as { api: string; token: string };
    return { child, url: api, token };
  }

  async function upload(api: string, token: string): Promise<string> {
    const form = new FormData();
    form.set("mode", "skip_existing");
    form.set("file", await openAsBlob(bundle), "bundle.zip");
    const headers = { Authorization: `Bearer ${token}`, Accept: "application/x-ndjson" };
    return (await fetch(`${api.replace(/\/$/, "")}/import`, { method: "POST", headers, body: form })).text();
  }
});
