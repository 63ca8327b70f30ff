import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { useDatabase } from "../../support/database.ts";
import { expectQuiet, importStates, type Phase } from "../../support/import-phases.ts";
import { folderStore, type Instance } from "../../support/instances.ts";
import { type SqlTap, useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { exportVault, overwrite, replaceVault, type VaultState, vaultInstance, vaultState } from "../../support/vault.ts";
import { launcher } from "../cli/command-line.ts";

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();
const running = new Set<ChildProcess>();
const consent = { replace_existing: true, accept_loss: true };
const size = { users: 3, ciphers: 12, attachments: 6 };

/** Up to the commit, in their order. */
const phases: Phase[] = [
  { name: "finding what goes", statement: /^create temporary table gone_/ },
  { name: "building a shadow", statement: /^insert into pg_temp\.shadow_5/ },
  { name: "about to write objects", statement: /^insert into holdall_journal\.import_objects/, answer: true },
  { name: "locking the tables", statement: /^lock table/ },
  { name: "noting the objects", statement: /^create temporary table objects_before/ },
  { name: "deleting", statement: /^delete from "public"\."users"/ },
  { name: "updating", statement: /^update "public"\."ciphers"/ },
  { name: "inserting", statement: /^insert into "public"\."ciphers"/ },
  { name: "announcing what follows the commit", statement: /^insert into holdall_journal\.import_aftermath/ },
  { name: "about to commit", statement: /^delete from holdall_journal\.import_objects where import_id = \$1$/, answer: true },
];

let home: string;
let bundle: string;
let target: Instance;
let tap: SqlTap;
let before: VaultState;
let after: VaultState;

beforeAll(async () => {
  home = await temporaryFolder();
  bundle = await exportVault(await vaultInstance(db, folderStore(home, "source"), size), join(home, "bundle.zip"));
  target = await vaultInstance(db, folderStore(home, "target"), size);
  tap = await tapOf(target.url);
  await useIt(target);
  before = await vaultState(target);
  const other = await vaultInstance(db, folderStore(home, "other"), size);
  await useIt(other);
  await replaceVault(other, bundle, { consent });
  after = await vaultState(other);
  expect(after).not.toEqual(before);
});

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** What the bundle undoes: a row that is gone, one that is another, a user who came, with an item and its file, and other content. */
async function useIt({ sql, store }: Instance): Promise<void> {
  const [bare] = await sql`select id from ciphers where id not in (select cipher_id from attachments) order by id limit 1`;
  await sql`delete from ciphers where id = ${bare!["id"]}`;
  await sql`update ciphers set name = 'changed'`;
  await sql.unsafe(`insert into users (id, email, master_password_hash, key, kdf_type, kdf_iterations, security_stamp, created_at, updated_at)
    values ('new', 'new@vault.example', '', '', 0, 1, '', '', '')`);
  await sql`insert into ciphers (id, user_id, type, data, created_at, updated_at) values ('c', 'new', 1, '{}', '', '')`;
  await sql`insert into attachments (id, cipher_id, file_name, size, size_name) values ('a', 'c', '', 4, '')`;
  await overwrite(store, "c/a", "gone");
  const [full] =
    await sql`select cipher_id || '/' || id as key from attachments where size > 0 and id <> 'a' order by id limit 1`;
  await overwrite(store, full!["key"] as string, "other content");
}

/** The real executable; the launcher may start another Node, which is why a whole group of processes is killed. */
function start(): ChildProcess {
  const allowed = ["--mode", "replace", "--replace-existing", "--accept-loss", "--as", "admin@vault.example", "--yes", "--json"];
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, HOLDALL_HOME: join(home, "home"), HOLDALL_SCOPE: "vault" };
  const child = spawn(process.execPath, [launcher, "import", bundle, ...allowed], {
    env: { ...env, DATABASE_URL: tap.url, HOLDALL_BLOBS: `file:${join(home, "target")}` },
    detached: true,
    stdio: "ignore",
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  process.kill(-child.pid!, "SIGKILL");
  await gone;
  await expectQuiet(target.sql);
}

/** Objects that a dead import left wait for the next one. */
function withoutNew({ tables, objects }: VaultState): VaultState {
  const known = Object.entries(objects).filter(([key]) => Object.hasOwn(before.objects, key));
  return { tables, objects: Object.fromEntries(known) };
}

test.each(phases)("kill -9 while $name: everything is as before", async ({ statement, answer }) => {
  const held = tap.hold((text) => statement.test(text), answer ? "answer" : "statement");
  const child = start();
  await held;
  await kill(child);
  expect(withoutNew(await vaultState(target))).toEqual(before);
});

test("kill -9 behind the commit: the database is as after, and the next import finishes with the objects", async () => {
  const committed = tap
    .hold((text) => text.startsWith("update holdall_journal.imports set state = 'committed'"))
    .then(({ release }) => {
      const commit = tap.hold((text) => text === "commit", "answer");
      release();
      return commit;
    });
  const first = start();
  await committed;
  await kill(first);
  expect((await importStates(target.sql)).at(-1)).toBe("committed");
  const state = await vaultState(target);
  expect(state.tables).toEqual(after.tables);
  expect(Object.keys(state.objects)).toContain("c/a");
  // The next import has done a part of what was left when it is killed as well.
  const midway = tap.hold((text) => text.startsWith("delete from holdall_journal.import_aftermath"), "answer");
  const second = start();
  await midway;
  await kill(second);
  await replaceVault(target, bundle, { consent });
  expect(await vaultState(target)).toEqual(after);
  expect(await target.sql`select 1 from holdall_journal.import_aftermath`).toEqual([]);
  expect(await target.sql`select 1 from holdall_journal.import_objects`).toEqual([]);
});
