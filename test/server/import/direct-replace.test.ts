import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { connect } from "../../../server/database/connect.ts";
import { useDatabase } from "../../support/database.ts";
import { type FailingStore, failingStore } from "../../support/failing-store.ts";
import { expectQuiet } from "../../support/import-phases.ts";
import { folderStore, type Instance } from "../../support/instances.ts";
import { type SqlTap, useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { emptyVault, exportVault, replaceVault, rowsOf, vaultInstance, vaultState } from "../../support/vault.ts";

/** A replacement of a fresh target takes rows straight from the bundle, under one transaction with its objects. */

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();

let source: Instance;
let target: Instance;
let store: FailingStore;
let tap: SqlTap;
let bundle: string;

beforeAll(async () => {
  const home = await temporaryFolder();
  source = await vaultInstance(db, folderStore(home, "source"));
  bundle = await exportVault(source, join(home, "bundle.zip"));
  const inner = folderStore(home, "target");
  store = failingStore(inner);
  target = { ...(await emptyVault(db, inner)), store };
  tap = await tapOf(target.url);
});

/** Statements of the last replacement. */
let from = 0;
const copies = () => tap.statements.slice(from).flatMap((text) => /^copy (?:"public"\."|pg_temp\.)(\w+)/.exec(text)?.[1] ?? []);

async function replaced(consent = {}) {
  from = tap.statements.length;
  const { sql, close } = await connect(tap.url);
  return replaceVault({ ...target, sql }, bundle, { consent }).finally(close);
}

test("the session is lost while objects are written, behind the rows: everything is as before", async () => {
  const before = await vaultState(target);
  let written: string[] = [];
  store.faults = {
    slow: (call, _, number) => {
      if (call !== "create" || number > 1) return undefined;
      written = copies();
      return target.sql`select pg_terminate_backend(pid) from pg_locks where relation = 'ciphers'::regclass and granted`;
    },
  };
  await expect(replaced()).rejects.toMatchObject({ code: "IO_DATABASE" });
  expect(written).toContain("ciphers");
  expect((await vaultState(target)).tables).toEqual(before.tables);
});

test("the next one arrives whole: no table that is empty in the target is staged but that of the objects", async () => {
  store.faults = {};
  const { plan, failed_blobs } = await replaced();
  expect(failed_blobs).toEqual([]);
  expect(copies()).toEqual([
    ...["stage_0", "stage_1", "stage_6"],
    ...["domain_settings", "user_revisions", "folders", "ciphers", "webauthn_credentials"],
  ]);
  expect(tap.statements.slice(from)).not.toContain("discard temp");
  const inserted = Object.fromEntries(plan.tables.map(({ table, outcomes }) => [table, outcomes.insert]));
  expect(inserted).toMatchObject({ users: 4, ciphers: 40, attachments: 9 });
  for (const table of ["folders", "ciphers", "attachments", "webauthn_credentials"])
    expect(await rowsOf(target.sql, table), table).toEqual(await rowsOf(source.sql, table));
  await expectQuiet(target.sql);
});

test("a target that is in use is staged whole", async () => {
  await target.sql`delete from folders`;
  await replaced({ replace_existing: true });
  expect(copies().filter((table) => !table.startsWith("stage_"))).toEqual([]);
  expect(await rowsOf(target.sql, "folders")).toEqual(await rowsOf(source.sql, "folders"));
});
