import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Connection, connect } from "../../../server/database/connect.ts";
import { type ExportRequest, exportBundle } from "../../../server/export/export-bundle.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { codeOf, expectQuiet, failureOf } from "../../support/import-phases.ts";
import { createdAt, demoInstance, emptyInstance, folderStore, type Instance } from "../../support/instances.ts";
import { type SqlTap, useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();

let home: string;
let source: Instance;
let tap: SqlTap;
let tapped: Connection;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 60, files: 12, orgs: 2 });
  tap = await tapOf(source.url);
  tapped = await connect(tap.url);
});

afterAll(() => tapped?.close());

describe("a database", () => {
  test("that hangs up between two tables: the export fails and does not go on in another snapshot", async () => {
    let cut = false;
    const reading = (async () => {
      for await (const _ of exportBundle({ sql: tapped.sql, store: source.store, scope: easm, container: "ndjson", createdAt })) {
        if (cut || !/^copy/.test(tap.statements.at(-1)!)) continue;
        const rows = await source.sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and state = 'idle in transaction'`;
        cut = rows.length > 0;
        await sleep(50);
      }
    })();
    expect(await codeOf(reading)).toBe("IO_DATABASE");
    expect(cut).toBe(true);
  });

  test("whose connection is cut at any statement: the same", async () => {
    const complete = async () => {
      for await (const _ of exportBundle({ sql: tapped.sql, store: source.store, scope: easm, container: "zip", createdAt }));
    };
    const from = tap.statements.length;
    await complete();
    const total = tap.statements.length - from;
    // The first asks for the session's process; behind the last one the session is ended.
    for (let n = 1; n < total; n += 2) {
      const start = tap.statements.length;
      const held = tap.hold((_, number) => number === start + n);
      const code = codeOf(complete());
      (await held).cut();
      expect(await code, `statement ${n} of ${total}`).toBe("IO_DATABASE");
    }
    tap.forget();
    await expectQuiet(source.sql);
  });

  test("that sends rows larger than what a stream buffers, to a consumer that takes its time, is read to its end", async () => {
    const wide = await emptyInstance(db, folderStore(home, "wide"));
    await wide.sql`insert into organizations (slug, name, description, created_by)
      select 'wide-' || n, 'Wide', repeat(md5(n::text), 12000), (select id from users limit 1) from generate_series(1, 6) n`;
    for (let run = 0; run < 6; run++) {
      let seen = 0;
      const reading = (async () => {
        for await (const _ of exportBundle({ sql: wide.sql, store: wide.store, scope: easm, container: "ndjson", createdAt })) {
          seen++;
          await sleep(run * 2);
        }
        return "complete";
      })();
      const late = AbortSignal.timeout(10_000);
      const hung = new Promise((done) => late.addEventListener("abort", () => done(`hung behind chunk ${seen} of run ${run}`)));
      expect(await Promise.race([reading, hung])).toBe("complete");
    }
  }, 70_000);
});

describe("a consumer", () => {
  const request = (more: Partial<ExportRequest> = {}): ExportRequest => ({
    sql: source.sql,
    store: source.store,
    scope: easm,
    container: "ndjson",
    createdAt,
    ...more,
  });

  test("that stops at any chunk ends the query", async () => {
    let total = 0;
    for await (const _ of exportBundle(request())) total++;
    for (let n = 1; n < total; n += Math.ceil(total / 12)) {
      let seen = 0;
      for await (const _ of exportBundle(request())) if (++seen === n) break;
      await expectQuiet(source.sql);
    }
  });

  test("that aborts at any chunk gets its reason, and the query ends", async () => {
    let total = 0;
    for await (const _ of exportBundle(request())) total++;
    const reason = new Error("enough");
    for (let n = 1; n < total; n += Math.ceil(total / 12)) {
      const controller = new AbortController();
      let seen = 0;
      const reading = (async () => {
        for await (const _ of exportBundle(request({ signal: controller.signal }))) if (++seen === n) controller.abort(reason);
      })();
      expect(await failureOf(reading), `chunk ${n} of ${total}`).toBe(reason);
      await expectQuiet(source.sql);
    }
  });
});
