import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBundle } from "../../../engine/read-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { type Connection, connect } from "../../../server/database/connect.ts";
import { openFileSource } from "../../../server/file-source.ts";
import { importBundle } from "../../../server/import/import-bundle.ts";
import { useDatabase } from "../../support/database.ts";
import { failingStore } from "../../support/failing-store.ts";
import { codeOf, expectQuiet, expectUntouched, importStates, orphans, phases, until } from "../../support/import-phases.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  preview,
  requestFor,
  stateOf,
} from "../../support/instances.ts";
import { ownInstance } from "../../support/own-instance.ts";
import { type Held, type SqlTap, useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();
/** Every Nth statement of an import is cut off in turn; 1 takes minutes. */
const stride = Number(process.env["HOLDALL_TEST_STRIDE"] ?? 61);

let home: string;
let bundle: string;
let source: Instance;
let target: Instance;
let tap: SqlTap;
let tapped: Connection;
let before: Awaited<ReturnType<typeof stateOf>>;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 40, files: 8, orgs: 2 });
  bundle = await exportFile(source, join(home, "bundle.zip"));
  target = await emptyInstance(db, folderStore(home, "target"));
  tap = await tapOf(target.url);
  tapped = await connect(tap.url);
  before = await stateOf(target);
});

afterAll(() => tapped?.close());

/** The import by way of the tap. */
const importing = () => importFile({ ...target, sql: tapped.sql }, bundle);

async function lockHolder(sql: Sql): Promise<number | undefined> {
  const [row] = await sql`select l.pid from pg_locks l join pg_database d on d.oid = l.database
    where locktype = 'advisory' and classid::text::int8 = hashtext('holdall')::oid::text::int8 and datname = current_database()`;
  return row?.["pid"];
}

async function terminate(sql: Sql): Promise<void> {
  await sql`select pg_terminate_backend(${(await lockHolder(sql))!})`;
}

describe("a backend that is terminated while the import is", () => {
  test.each(phases)("$name: IO_DATABASE, and nothing changed", async ({ statement, answer }) => {
    const held = tap.hold((text) => statement.test(text), answer ? "answer" : "statement");
    const code = codeOf(importing());
    const { release } = await held;
    await terminate(target.sql);
    release();
    expect(await code).toBe("IO_DATABASE");
    await expectUntouched(target, before);
  });

  test("behind the last row of a COPY: nobody waits for its rollback", async () => {
    await target.sql.unsafe(`create function doze() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
      create trigger doze after insert on assets execute function doze()`);
    const code = codeOf(importing());
    await until("the end of the rows", async () => {
      const asleep =
        await target.sql`select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
      return asleep.length > 0;
    });
    await terminate(target.sql);
    expect(await code).toBe("IO_DATABASE");
    await target.sql.unsafe("drop trigger doze on assets; drop function doze");
    await expectUntouched(target, before);
  });

  test("reading the bundle: the lock is gone with it, and the import does not go on without", async () => {
    const source = await openFileSource(bundle);
    let gate: Promise<void> = Promise.resolve();
    const slow = {
      size: source.size,
      read: async (...range: Parameters<typeof source.read>) => {
        await gate;
        return source.read(...range);
      },
    };
    const opened = await openBundle(slow, { codec: nodeCodec });
    const { promise, resolve: open } = Promise.withResolvers<void>();
    gate = promise;
    const code = codeOf(importBundle(requestFor(target, opened, "skip_existing")));
    await until("the lock", async () => (await lockHolder(target.sql)) !== undefined);
    await terminate(target.sql);
    await until("its end", async () => (await lockHolder(target.sql)) === undefined);
    await sleep(50);
    open();
    expect(await code).toBe("IO_DATABASE");
    await source.close();
    await expectUntouched(target, before);
  });
});

test.each([false, true])(
  "an import that lost its lock while it wrote objects, and was taken for dead, still leaves none (%s)",
  async (deaf) => {
    const fresh = await emptyInstance(db, folderStore(home, `zombie-${deaf}`));
    const untouched = await stateOf(fresh);
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    const slow = failingStore(fresh.store, { deaf, slow: (call, _key, n) => (call === "create" && n > 3 ? promise : undefined) });
    const code = codeOf(importFile({ ...fresh, store: slow }, bundle));
    await until("objects", async () => slow.calls.create === 7 && (await orphans(fresh)).length >= 3);
    await terminate(fresh.sql);
    await until("its end", async () => (await lockHolder(fresh.sql)) === undefined);
    // Another import removes what it finds; this one then refuses by itself.
    expect(await codeOf(importFile(fresh, bundle, "skip_existing", { planDigest: "another" }))).toBe("IMPORT_PLAN_CHANGED");
    expect(await importStates(fresh.sql)).toEqual(["recovered", "failed"]);
    goOn();
    expect(await code).toBe("IO_DATABASE");
    await expectUntouched(fresh, untouched);
    // Three that went through, and the four that were under way.
    expect(slow.calls.create).toBe(7);
    expect(await importStates(fresh.sql)).toEqual(["failed", "failed"]);
  },
);

test("a preview whose backend is terminated says so", async () => {
  const held = tap.hold((text) => text.startsWith("analyze pg_temp.plan_4"));
  const code = codeOf(preview({ ...target, sql: tapped.sql }, bundle));
  (await held).cut();
  expect(await code).toBe("IO_DATABASE");
  await expectUntouched(target, before);
});

describe("at any statement", () => {
  /** Into an installation that has some of it under other ids, with people mapped: every kind of statement comes up. */
  async function cutAnywhere(name: string, cut: (held: Held, instance: Instance) => Promise<void>): Promise<void> {
    const fresh = await ownInstance(db, folderStore(home, name), source);
    const untouched = await stateOf(fresh);
    const cutting = await tapOf(fresh.url);
    const connection = await connect(cutting.url);
    const choices = { user_map: { [source.importer.id]: fresh.importer.id } };
    const attempt = () => importFile({ ...fresh, sql: connection.sql }, bundle, "merge", { choices });
    // The first is the pool's, the second asks for the session's process.
    for (let n = 3; ; n += stride) {
      const from = cutting.statements.length;
      const held = cutting.hold((_, number) => number === from + n);
      const ended = attempt().then(
        () => "imported",
        (error) => error.code as string,
      );
      const first = await Promise.race([held, ended]);
      if (typeof first === "string") {
        expect(first).toBe("imported");
        break;
      }
      await cut(first, fresh);
      const outcome = await ended;
      expect(["IO_DATABASE", "imported"], first.statement).toContain(outcome);
      if (outcome === "imported") expect(first.statement).toBe("commit");
      await expectUntouched(fresh, untouched);
    }
    cutting.forget();
    await connection.close();
    expect(await importStates(fresh.sql)).toContain("committed");
    await expectQuiet(fresh.sql);
  }

  test(
    "the connection is cut: nothing changed, and the next import succeeds",
    () => cutAnywhere("cut-anywhere", async ({ cut }) => cut()),
    600_000,
  );

  test(
    "the backend is terminated: nothing changed, and the next import succeeds",
    () =>
      cutAnywhere("terminated-anywhere", async ({ port, release }, { sql }) => {
        await sql`select pg_terminate_backend(pid) from pg_stat_activity where client_port = ${port}`;
        release();
      }),
    600_000,
  );
});

test("only the answer to the commit gets lost: the import is reported as done", async () => {
  const fresh = await emptyInstance(db, folderStore(home, "answer"));
  const cutting = await tapOf(fresh.url);
  const connection = await connect(cutting.url);
  let applying = false;
  const held = cutting.hold((text) => applying && text === "commit", "answer");
  const report = importFile({ ...fresh, sql: connection.sql }, bundle, "skip_existing", {
    onProgress: ({ phase }) => (applying ||= phase === "apply"),
  });
  (await held).cut();
  const [{ report: kept } = {}] = await fresh.sql`select report from holdall_journal.imports where state = 'committed'`;
  expect(await report).toEqual(kept);
  expect(await fresh.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 40 }]);
  expect((await importFile(fresh, bundle)).plan.tables.flatMap(({ outcomes }) => Object.keys(outcomes))).not.toContain("insert");
  await connection.close();
});

test("after all of that, the same bundle enters", async () => {
  const report = await importFile(target, bundle);
  expect(report.failed_blobs).toEqual([]);
  expect((await importStates(target.sql)).at(-1)).toBe("committed");
  await expectQuiet(target.sql);
});
