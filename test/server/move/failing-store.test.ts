import { createHash } from "node:crypto";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { collect } from "../../../engine/bytes.ts";
import type { ImportReport } from "../../../engine/plan.ts";
import { useDatabase } from "../../support/database.ts";
import { type FailingStore, type Faults, failingStore } from "../../support/failing-store.ts";
import { codeOf, expectUntouched, failureOf, importStates, orphans } from "../../support/import-phases.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  preview,
  stateOf,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const files = 12;
let home: string;
let bundle: string;
let keys: string[];
let number = 0;

let target: Instance;
let store: FailingStore;
let before: Awaited<ReturnType<typeof stateOf>>;

beforeAll(async () => {
  home = await temporaryFolder();
  const source = await demoInstance(db, folderStore(home, "source"), { assets: 40, files, orgs: 2 });
  keys = (await source.sql`select object_key from files order by id`).map((row) => row["object_key"]);
  // The demo's reports and files name each other: a file that is skipped empties its report's reference.
  const [linked] = await source.sql`select f.object_key from files f join reports r on r.file_id = f.id order by f.id limit 1`;
  linkedKey = linked!["object_key"];
  bundle = await exportFile(source, join(home, "bundle.zip"));
});
let linkedKey: string;

beforeEach(async () => {
  const made = await emptyInstance(db, folderStore(home, `target-${number++}`));
  store = failingStore(made.store);
  target = { ...made, store };
  before = await stateOf(target);
});

const importWith = (faults: Faults) => {
  store.faults = faults;
  return importFile(target, bundle);
};

/** What the report says is what the database shows, and no row points at nothing. */
async function expectReportTrue(report: ImportReport): Promise<void> {
  store.faults = {};
  for (const { table, outcomes } of report.plan.tables.filter((plan) => plan.reason === undefined)) {
    const [row] = await target.sql.unsafe(`select count(*)::int as n from ${table}`);
    expect(row, table).toEqual({ n: outcomes.insert ?? 0 });
  }
  for (const { object_key, size_bytes } of await target.sql`select object_key, size_bytes::int from files`) {
    expect(await store.stat(object_key)).toEqual({ key: object_key, size: size_bytes });
  }
  expect(await orphans(target)).toEqual([]);
  const counted = report.plan.tables.find(({ table }) => table === "files")!;
  expect(counted.outcomes.blob_missing ?? 0).toBe(report.failed_blobs.length);
  const listed = report.skipped.filter(({ outcome }) => outcome === "blob_missing").map(({ row }) => row);
  expect(listed.sort()).toEqual(report.failed_blobs.map(({ row }) => row).sort());
  expect(report.plan.blobs).toMatchObject({ write: files - listed.length, missing: listed.length });
  expect(await importStates(target.sql)).toEqual(["committed"]);
}

describe("an object that the store does not take", () => {
  test("costs its row its place, empties what refers to it, and is listed", async () => {
    const report = await importWith({ fail: (call, key) => call === "create" && key === linkedKey });
    expect(report.failed_blobs).toMatchObject([{ table: "files", key: linkedKey, error: expect.stringContaining("by order") }]);
    await expectReportTrue(report);
    const reports = report.plan.tables.find(({ table }) => table === "reports")!;
    expect(reports.reference_cleared).toEqual({ file_id: 1 });
    const [cleared] = await target.sql`select count(*)::int as n from reports where file_id is null`;
    expect(cleared!["n"]).toBeGreaterThan(0);
    // The next import brings what is missing, and nothing else.
    const again = await importFile(target, bundle);
    const inserted = again.plan.tables.filter(({ outcomes }) => outcomes.insert);
    expect(inserted).toMatchObject([{ table: "files", outcomes: { insert: 1 } }]);
  });

  test("is tried again, wherever it fails once", async () => {
    const total = files + 1;
    for (let n = 1; n <= total; n += 6) {
      const instance = await emptyInstance(db, folderStore(home, `target-${number++}`));
      const once = failingStore(instance.store, { fail: (call, _key, at) => call === "create" && at === n });
      target = { ...instance, store: once };
      store = once;
      const report = await importFile(target, bundle);
      expect(report.failed_blobs, `create ${n}`).toEqual([]);
      await expectReportTrue(report);
    }
  });

  test("whose answer alone gets lost has been written", async () => {
    const report = await importWith({ loseAnswer: (call) => call === "create" && store.calls.create % 3 === 1 });
    expect(report.failed_blobs).toEqual([]);
    await expectReportTrue(report);
  });

  test("half of all objects: the rest arrives", async () => {
    const lost = new Set(keys.filter((_, i) => i % 2 === 1));
    const report = await importWith({ fail: (call, key) => call === "create" && lost.has(key) });
    expect(report.failed_blobs.map(({ key }) => key).sort()).toEqual([...lost].sort());
    await expectReportTrue(report);
  });
});

test.each([2, files])("a store that takes none of %i objects ends the import", async (n) => {
  // All of the others have arrived before.
  const last = new Set(keys.slice(-n));
  if (n < files) await importWith({ fail: (call, key) => call === "create" && last.has(key) });
  before = await stateOf(target);
  store.calls.create = 0;
  expect(await codeOf(importWith({ fail: (call) => call === "create" }))).toBe("IO_STORE_UNAVAILABLE");
  // A store that is down is not asked for each of a million objects.
  expect(store.calls.create).toBeLessThanOrEqual(3 * 8);
  store.faults = {};
  await expectUntouched(target, before);
  expect((await importStates(target.sql)).at(-1)).toBe("failed");
});

test("bytes that change on their way into the store end the import, whichever object it is", async () => {
  for (const key of [keys[0]!, keys.at(-1)!]) {
    const code = await codeOf(importWith({ corrupt: (call, at) => call === "create" && at === key }));
    expect(code).toBe("INTEGRITY_HASH");
    store.faults = {};
    await expectUntouched(target, before);
  }
});

test("objects written before a failure are removed; those the store keeps are the next import's to remove", async () => {
  await target.sql.unsafe(`create function break_import() returns trigger language plpgsql as
    'begin raise check_violation; end'; create trigger break_import before insert on files execute function break_import()`);
  expect(await codeOf(importWith({}))).toBe("IMPORT_CONFLICT");
  expect(store.calls.create).toBe(files);
  await expectUntouched(target, before);
  expect(await codeOf(importWith({ fail: (call) => call === "remove" }))).toBe("IMPORT_CONFLICT");
  expect(await orphans(target)).toHaveLength(files);
  // An import with another store leaves them, and what is known of them, alone.
  const elsewhere = { ...target, store: folderStore(home, "elsewhere") };
  expect(await codeOf(importFile(elsewhere, bundle))).toBe("IMPORT_CONFLICT");
  // Not even their removal at the start of the next import works.
  expect(await codeOf(importWith({ fail: (call) => call === "remove" }))).toBe("IO_STORE_UNAVAILABLE");
  expect(await orphans(target)).toHaveLength(files);
  store.faults = {};
  expect(await codeOf(importFile(target, bundle))).toBe("IMPORT_CONFLICT");
  await expectUntouched(target, before);
  await target.sql`drop trigger break_import on files`;
  await expectReportTruthfulAfterFailures(await importFile(target, bundle));
});

async function expectReportTruthfulAfterFailures(report: ImportReport): Promise<void> {
  expect(report.failed_blobs).toEqual([]);
  expect(await orphans(target)).toEqual([]);
  expect((await importStates(target.sql)).at(-1)).toBe("committed");
  expect(await target.sql`select 1 from holdall_journal.import_objects`).toEqual([]);
}

describe("a store that cannot be asked while the plan is made", () => {
  test("refuses a preview and an import, at any question", async () => {
    for (let n = 1; n <= files; n += 5) {
      const faults: Faults = { fail: (call, _key, at) => call === "stat" && at === n };
      store.faults = faults;
      store.calls.stat = 0;
      expect(await codeOf(preview(target, bundle)), `stat ${n}`).toBe("IO_STORE_UNAVAILABLE");
      store.calls.stat = 0;
      expect(await codeOf(importFile(target, bundle)), `stat ${n}`).toBe("IO_STORE_UNAVAILABLE");
      store.faults = {};
      await expectUntouched(target, before);
    }
  });

  test("or breaks off while it reads an object to compare", async () => {
    const [first] = keys;
    const source = folderStore(home, "source");
    const { size, body } = await source.open(first!);
    const sha256 = await hashOf(first!);
    await target.store.create(first!, body, { size, sha256 });
    const withObject = await stateOf(target);
    for (const faults of [{ fail: (call) => call === "open" }, { breakOff: () => 0 }] satisfies Faults[]) {
      expect(await codeOf(importWith(faults))).toBe("IO_STORE_UNAVAILABLE");
      store.faults = {};
      await expectUntouched(target, withObject);
    }
    // Shorter than it says: another object, which is left alone.
    const report = await importWith({ truncate: (key) => (key === first ? 1 : undefined) });
    expect(report.plan.blobs).toMatchObject({ write: files, rekeyed: 1 });
  });
});

async function hashOf(key: string): Promise<string> {
  return createHash("sha256")
    .update(await collect((await folderStore(home, "source").open(key)).body))
    .digest("hex");
}

test("what a failure says reaches the journal", async () => {
  const error = (await failureOf(importWith({ fail: (call) => call === "create" }))) as Error;
  const [row] = await target.sql`select error, finished_at is not null as ended from holdall_journal.imports`;
  expect(row).toEqual({ error: { code: "IO_STORE_UNAVAILABLE", message: error.message }, ended: true });
});
