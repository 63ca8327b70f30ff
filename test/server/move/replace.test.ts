import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { PlanReader } from "../../../server/import/kept/read-plan.ts";
import { vault } from "../../../server/scopes/vault/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { failingStore } from "../../support/failing-store.ts";
import { codeOf, expectQuiet, failureOf } from "../../support/import-phases.ts";
import { folderStore, type Instance } from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import {
  contentOf,
  emptyVault,
  exportVault,
  overwrite,
  previewVault,
  replaceVault,
  rowsOf,
  vaultInstance,
  vaultState,
} from "../../support/vault.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const everything = { replace_existing: true, accept_loss: true };
/** Tables that no bundle holds. */
const outside = ["sends", "devices", "refresh_tokens", "invites", "audit_logs", "trusted_two_factor_device_tokens"];

let home: string;
/** In use; every test puts it back to what `backup` holds, by a replacement of its own. */
let live: Instance;
let backup: string;
let bare: string;

beforeAll(async () => {
  home = await temporaryFolder();
  live = await vaultInstance(db, folderStore(home, "live"));
  backup = await exportVault(live, join(home, "backup.zip"));
  bare = await exportVault(live, join(home, "bare.zip"), { options: { include_attachments: false } });
});

const named = (name: string) => join(home, `${name}-${Math.random().toString(36).slice(2)}`);
const outcomesOf = (plan: { tables: { table: string; outcomes: object }[] }, name: string) =>
  plan.tables.find(({ table }) => table === name)?.outcomes;
const attachmentKey = async (instance: Instance) =>
  (await instance.sql`select cipher_id || '/' || id as key from attachments where size > 0 order by id limit 1`)[0]![
    "key"
  ] as string;

describe("a fresh target", () => {
  test("takes a bundle without being told more, and has then exactly what the bundle holds", async () => {
    const target = await emptyVault(db, folderStore(home, "fresh"));
    const plan = await previewVault(target, backup);
    expect(plan.replace).toMatchObject({ occupied: {}, lost: [], admins: 1, kept: {} });
    expect(outcomesOf(plan, "users")).toEqual({ insert: 4, delete: 1 });
    const report = await replaceVault(target, backup, { planDigest: plan.digest });
    expect(report.plan).toEqual(plan);
    for (const table of ["users", "folders", "ciphers", "attachments"]) {
      const columns = table === "users" ? "id, email, key" : "*";
      const rows = ({ sql }: Instance) => sql.unsafe(`select ${columns} from ${table} order by id`);
      expect([...(await rows(target))], table).toEqual([...(await rows(live))]);
    }
    await expectQuiet(target.sql);
  });

  test("one with ciphers, folders, attachments or sends is not fresh", async () => {
    const target = await emptyVault(db, folderStore(home, "occupied"));
    const { id } = target.importer;
    await target.sql`insert into sends (id, user_id, type, name, data, key, created_at, updated_at, deletion_date)
      values ('s', ${id}, 0, '', '{}', '', '', '', '')`;
    const refusal = await failureOf(replaceVault(target, backup));
    expect(refusal).toMatchObject({ code: "IMPORT_NOT_FRESH", details: { replace: { occupied: { sends: 1 } } } });
    await target.sql`delete from sends`;
    await target.sql`insert into folders (id, user_id, name, created_at, updated_at) values ('f', ${id}, '', '', '')`;
    expect(await codeOf(replaceVault(target, backup))).toBe("IMPORT_NOT_FRESH");
    await replaceVault(target, backup, { consent: { replace_existing: true } });
    expect(await rowsOf(target.sql, "folders", "id = 'f'")).toEqual([]);
  });
});

describe("what no bundle holds", () => {
  test("survives row for row where its parents are in the bundle", async () => {
    const before = await vaultState(live);
    await live.sql`update ciphers set name = 'changed' where favorite = 1`;
    await live.sql`delete from folders`;
    const { plan } = await replaceVault(live, backup, { consent: { replace_existing: true } });
    expect(plan.replace!.lost).toEqual([]);
    expect(outcomesOf(plan, "folders")).toEqual({ insert: 16 });
    expect(await vaultState(live)).toEqual(before);
  });

  test("is counted where it would be lost, and goes only when that is accepted", async () => {
    const target = await vaultInstance(db, folderStore(home, "loss"), { users: 6, ciphers: 12, attachments: 3 });
    const others = await rowsOf(target.sql, "devices", `user_id in (select id from users where email <> 'user.5@vault.example')`);
    // The bundle is of the same vault, before its last user came.
    const smaller = named("smaller.zip");
    const store = folderStore(home, "before");
    await exportVault(await vaultInstance(db, store, { users: 5, ciphers: 0, attachments: 0 }), smaller);
    const plan = await previewVault(target, smaller);
    const [key] = await target.sql`select count(api_key)::int4 as keys from users where email = 'user.5@vault.example'`;
    const one = (table: string) => ({ table, what: "rows", rows: 1 });
    expect(plan.replace!.lost).toEqual(
      [
        { table: "audit_logs", what: "references", column: "actor_user_id", rows: 1 },
        one("auth_requests"),
        one("devices"),
        one("refresh_tokens"),
        one("sends"),
        one("totp_login_replays"),
        one("trusted_two_factor_device_tokens"),
        { table: "users", what: "values", column: "api_key", rows: key!["keys"] },
      ].filter(({ rows }) => rows > 0),
    );
    const before = await vaultState(target);
    expect(await codeOf(replaceVault(target, smaller))).toBe("IMPORT_NOT_FRESH");
    const refusal = await failureOf(replaceVault(target, smaller, { consent: { replace_existing: true } }));
    expect(refusal).toMatchObject({ code: "IMPORT_LOSS", details: { replace: { lost: plan.replace!.lost } } });
    expect(await vaultState(target)).toEqual(before);
    await replaceVault(target, smaller, { consent: everything });
    expect(await rowsOf(target.sql, "devices")).toEqual(others);
    expect(await rowsOf(target.sql, "audit_logs")).toHaveLength(6);
  });

  test("what comes between preview and import changes the plan", async () => {
    const target = await emptyVault(db, folderStore(home, "late"));
    const { digest } = await previewVault(target, backup);
    await target.sql`insert into devices (user_id, device_identifier, name, type, created_at, updated_at)
      values (${target.importer.id}, 'd', '', 0, '', '')`;
    const refusal = await failureOf(replaceVault(target, backup, { planDigest: digest, consent: everything }));
    expect(refusal).toMatchObject({
      code: "IMPORT_PLAN_CHANGED",
      details: { plan: { replace: { lost: [{ table: "devices" }] } } },
    });
    expect(await rowsOf(target.sql, "devices")).toHaveLength(1);
  });
});

test("users who exchanged their addresses since, and one who took another's, get theirs back", async () => {
  const before = await vaultState(live);
  const ids = (await live.sql`select id from users order by email`).map((row) => row["id"] as string);
  await live.sql`update users set email = 'x' where id = ${ids[1]!}`;
  await live.sql`update users set email = 'user.1@vault.example' where id = ${ids[2]!}`;
  await live.sql`update users set email = 'user.2@vault.example' where id = ${ids[1]!}`;
  await live.sql`update users set email = 'moved' where id = ${ids[3]!}`;
  await live.sql`update users set email = 'user.3@vault.example' where id = ${ids[0]!}`;
  await replaceVault(live, backup, { consent: everything });
  expect(await vaultState(live)).toEqual(before);
  const [left] =
    await live.sql`select count(*)::int4 as n from pg_constraint where conname = 'users_email_key' and contype = 'u'`;
  expect(left!["n"]).toBe(1);
});

describe("attachments", () => {
  test("a bundle without them leaves those of ciphers that stay, and their objects", async () => {
    const before = await vaultState(live);
    const plan = await previewVault(live, bare);
    expect(plan.replace!.kept).toEqual({ attachments: "the bundle was exported without it (include_attachments=false)" });
    await replaceVault(live, bare, { consent: { replace_existing: true } });
    expect(await vaultState(live)).toEqual(before);
  });

  test("those of ciphers that go are counted as lost, and their objects removed", async () => {
    const target = await vaultInstance(db, folderStore(home, "bare"), { attachments: 3 });
    const key = await attachmentKey(target);
    const smaller = named("bare.zip");
    await target.sql.begin(async (tx) => {
      await tx`delete from ciphers where id = ${key.split("/")[0]!}`;
    });
    await exportVault(target, smaller, { options: { include_attachments: false } });
    const again = await vaultInstance(db, folderStore(home, "bare again"), { attachments: 3 });
    const [of] = await again.sql`select count(*)::int4 as n from attachments where cipher_id = ${key.split("/")[0]!}`;
    const plan = await previewVault(again, smaller);
    expect(plan.replace).toMatchObject({ lost: [{ table: "attachments", rows: of!["n"] }], objects_removed: of!["n"] });
    await replaceVault(again, smaller, { consent: everything });
    expect(await again.store.stat(key)).toBeNull();
    expect(Object.keys((await vaultState(again)).objects).filter((name) => !name.startsWith("sends/"))).toHaveLength(
      3 - of!["n"],
    );
  });

  test("one whose object is missing at the export is a warning, and is skipped by the restore", async () => {
    const key = await attachmentKey(live);
    const torn = failingStore(live.store, { missing: (name) => name === key });
    const warned: string[] = [];
    const path = await exportVault({ ...live, store: torn }, named("torn.zip"), {
      onManifest: (m) => warned.push(...m.warnings),
    });
    expect(warned).toEqual([expect.stringContaining(key)]);
    const target = await emptyVault(db, folderStore(home, "torn"));
    const report = await replaceVault(target, path);
    expect(outcomesOf(report.plan, "attachments")).toEqual({ insert: 8, blob_missing: 1 });
    expect(report.skipped).toMatchObject([{ table: "attachments", outcome: "blob_missing", key: [key.split("/")[1]] }]);
    expect(await rowsOf(target.sql, "attachments")).toHaveLength(8);
  });

  test("one that the store does not take is skipped and listed, its row is not there, and the rest arrives", async () => {
    const key = await attachmentKey(live);
    const inner = folderStore(home, "refusing");
    const store = failingStore(inner, { fail: (call, name) => call === "create" && name === key });
    const target = { ...(await emptyVault(db, inner)), store };
    const report = await replaceVault(target, backup);
    expect(report.failed_blobs).toMatchObject([{ table: "attachments", key }]);
    expect(report.skipped).toMatchObject([{ table: "attachments", outcome: "blob_missing", key: [key.split("/")[1]] }]);
    expect(await rowsOf(target.sql, "attachments", `id = '${key.split("/")[1]}'`)).toEqual([]);
    expect(await rowsOf(target.sql, "attachments")).toHaveLength(8);
  });
});

describe("live objects that hold something else since the backup", () => {
  let key: string;
  let original: string;

  beforeAll(async () => {
    key = await attachmentKey(live);
    original = await contentOf(live.store, key);
    await overwrite(live.store, key, "something else since the backup");
  });

  test("are not overwritten before the commit: a refused import leaves them", async () => {
    await live.sql`update config set value = 'other' where key = 'registered'`;
    const before = await vaultState(live);
    await live.sql.unsafe(`create function refuse() returns trigger language plpgsql as $$
        begin raise exception 'no' using errcode = '23514'; end $$;
      create trigger refuse before update on config for each row execute function refuse()`);
    expect(await codeOf(replaceVault(live, backup, { consent: everything }))).toBe("IMPORT_CONFLICT");
    await live.sql`drop function refuse() cascade`;
    expect(await vaultState(live)).toEqual(before);
  });

  test("stay, and so do their rows, where the content cannot be written beside them", async () => {
    const store = failingStore(live.store, { fail: (call, name) => call === "create" && name.startsWith(key) });
    const report = await replaceVault({ ...live, store }, backup, { consent: everything });
    expect(report.failed_blobs).toHaveLength(1);
    expect(outcomesOf(report.plan, "attachments")).toEqual({ identical: 9 });
    expect(await contentOf(live.store, key)).not.toBe(original);
  });

  test("get the bundle's content behind the commit; where the store fails there, by the next import", async () => {
    const store = failingStore(live.store, { fail: (call, name) => call === "remove" && name === key });
    const plan = await previewVault(live, backup);
    expect(plan.replace!.objects_replaced).toBe(1);
    expect(outcomesOf(plan, "attachments")).toEqual({ identical: 9 });
    const report = await replaceVault({ ...live, store }, backup, { consent: everything });
    expect(report.pending_objects).toBe(1);
    expect(await contentOf(live.store, key)).not.toBe(original);
    // One that is refused is an import, too: it does first what was left undone.
    expect(await codeOf(replaceVault(live, backup))).toBe("IMPORT_NOT_FRESH");
    expect(await contentOf(live.store, key)).toBe(original);
    expect(Object.keys((await vaultState(live)).objects).filter((name) => name.startsWith(key))).toEqual([key]);
    expect(await live.sql`select 1 from holdall_journal.import_aftermath`).toEqual([]);
  });
});

describe("refusals", () => {
  test("a bundle without an active administrator, unless told otherwise", async () => {
    const target = await emptyVault(db, folderStore(home, "headless"));
    const source = await vaultInstance(db, folderStore(home, "headless source"), { ciphers: 2, attachments: 0 });
    await source.sql`update users set status = 'banned' where role = 'admin'`;
    const headless = await exportVault(source, named("headless.zip"));
    expect((await previewVault(target, headless)).replace!.admins).toBe(0);
    expect(await codeOf(replaceVault(target, headless))).toBe("IMPORT_NO_ADMIN");
    await replaceVault(target, headless, { consent: { allow_no_admin: true } });
    expect(await rowsOf(target.sql, "users")).toHaveLength(4);
  });

  test("two at once: the second is refused", async () => {
    const target = await emptyVault(db, folderStore(home, "twice"));
    let second: Promise<string> | undefined;
    const store = failingStore(target.store, {
      slow: (call) => {
        if (call !== "create") return undefined;
        second ??= codeOf(replaceVault(target, backup));
        return second;
      },
    });
    await replaceVault({ ...target, store }, backup);
    expect(await second).toBe("IMPORT_LOCKED");
  });

  test.each([{ tables: ["ciphers"] }, { tenants: ["x"] }, { user_map: { a: "b" } }])(
    "a part of a bundle: %j",
    async (choices) => {
      expect(await codeOf(previewVault(live, backup, { choices }))).toBe("REQUEST_INVALID");
    },
  );

  test("a mode that the scope does not offer", async () => {
    expect(await codeOf(previewVault(live, backup, { mode: "overwrite_metadata_only" }))).toBe("REQUEST_INVALID");
  });

  test("a row that the table's own constraints forbid, before an object is written", async () => {
    const inner = folderStore(home, "strict");
    const store = failingStore(inner);
    const target = { ...(await emptyVault(db, inner)), store };
    await target.sql`alter table ciphers add constraint no_logins check (type <> 1)`;
    const before = await vaultState(target);
    expect(await failureOf(replaceVault(target, backup))).toMatchObject({
      code: "IMPORT_CONFLICT",
      details: { constraint: "no_logins" },
    });
    expect(store.calls.create).toBe(0);
    expect(await vaultState(target)).toEqual(before);
  });

  test("a target that changed since the preview: what moved is said, deletes among it", async () => {
    const keptPlan = named("kept");
    const plan = await previewVault(live, backup, { keepIn: keptPlan });
    await live.sql`insert into folders (id, user_id, name, created_at, updated_at) values ('0', ${live.importer.id}, '', '', '')`;
    const refusal = await failureOf(replaceVault(live, backup, { consent: everything, planDigest: plan.digest, keptPlan }));
    const moved = { table: "folders", planned: { identical: 16 }, now: { identical: 16, delete: 1 }, rows: 1 };
    expect(refusal).toMatchObject({ code: "IMPORT_PLAN_CHANGED", details: { moved: [moved] } });
    await live.sql`delete from folders where id = '0'`;
  });
});

describe("the plan", () => {
  test("lists the rows that go, by page, behind those of the bundle", async () => {
    const target = await vaultInstance(db, folderStore(home, "paged"), { ciphers: 60, attachments: 0 });
    const keepIn = named("paged");
    const plan = await previewVault(target, backup, { keepIn });
    const idsOf = async ({ sql }: Instance) => (await sql`select id from ciphers order by id`).map((row) => row["id"] as string);
    const held = new Set(await idsOf(live));
    const expected = (await idsOf(target)).filter((id) => !held.has(id));
    expect(outcomesOf(plan, "ciphers")).toMatchObject({ delete: 20 });
    const reader = await PlanReader.open(keepIn);
    const page = await reader.page({ table: "ciphers", outcome: "delete", from: 5, count: 10 });
    expect(page.total).toBe(20);
    expect(page.rows.map(({ key }) => key)).toEqual(expected.slice(5, 15).map((id) => [id]));
    expect(page.rows[0]).toEqual({ outcome: "delete", row: 46, key: [expected[5]] });
    const all = await reader.page({ table: "ciphers", from: 38, count: 4 });
    expect(all.total).toBe(60);
    expect(all.rows.map(({ outcome }) => outcome).slice(2)).toEqual(["delete", "delete"]);
    expect(
      plan.tables.find(({ table }) => table === "ciphers")!.samples.filter(({ outcome }) => outcome === "delete"),
    ).toHaveLength(5);
  });

  test("a foreign bundle's lock does not enter, and the target's own stays", async () => {
    // It lets everything out as it is.
    const open = { ...vault, tables: { ...vault.tables, config: { columns: ["key", "value"] } } };
    const lock = await rowsOf(live.sql, "config", "key = 'backup.runner.lock.v1'");
    const path = await exportVault(live, named("lock.ndjson"), { container: "ndjson", scope: open });
    const { plan } = await replaceVault(live, path, { consent: everything });
    expect(outcomesOf(plan, "config")).toEqual({ identical: 5, not_imported: 2 });
    expect(await rowsOf(live.sql, "config", "key = 'backup.runner.lock.v1'")).toEqual(lock);
  });
});

test("everything outside of the scope has come through all of this", async () => {
  for (const table of outside) expect((await rowsOf(live.sql, table)).length, table).toBe(4);
  await expectQuiet(live.sql);
});
