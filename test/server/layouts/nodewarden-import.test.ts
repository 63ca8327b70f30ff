import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { collect } from "../../../engine/bytes.ts";
import type { ConflictMode, ImportReport, ReplaceConsent } from "../../../engine/plan.ts";
import { openPool } from "../../../server/blobs/pool.ts";
import { createBackupApp } from "../../../server/http/backup-app.ts";
import { importBundle, previewImport } from "../../../server/import/import-bundle.ts";
import { findImporter } from "../../../server/import/importer.ts";
import { fillDemo, fillEmpty, makeSchema } from "../../../server/scopes/vault/demo.ts";
import { vault } from "../../../server/scopes/vault/scope.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { createdAt, exportFile, folderStore, type Instance, withBundle } from "../../support/instances.ts";
import { archiveBytes, archiveName, sampleArchive } from "../../support/nodewarden.ts";
import { refusalOf } from "../../support/nodewarden-restore.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { run } from "../cli/command-line.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const corpus = join(import.meta.dirname, "../../../../shared/corpus/nodewarden");
let home: string;
let made = 0;

let target: TestDatabase;

beforeAll(async () => {
  home = await temporaryFolder();
  target = await db.create();
  await makeSchema(target.sql);
});

/** One database for all of them: to make one takes longer than an import. */
async function emptyVault(): Promise<Instance> {
  const { sql, url } = target;
  await sql.unsafe("truncate users, config cascade");
  await fillEmpty(sql, { adminEmail: "importer@target.example" });
  return { sql, url, store: folderStore(home, `target-${made++}`), importer: await findImporter(sql, vault) };
}

async function importArchive(
  target: Instance,
  path: string,
  mode: ConflictMode,
  consent: Partial<ReplaceConsent> = {},
): Promise<ImportReport> {
  return withBundle(path, async (bundle) => {
    const { sql, store, importer } = target;
    const pool = await openPool(dirname(path));
    const request = { sql, store, importer, scope: vault, bundle, mode, consent, pool };
    const plan = await previewImport(request);
    const report = await importBundle({ ...request, planDigest: plan.digest });
    expect(report.plan).toEqual(plan);
    return report;
  });
}

/** What an archive holds, by another ZIP reader and JSON.parse. */
function readArchive(path: string): { db: Record<string, Record<string, unknown>[]>; blob(name: string): Uint8Array } {
  const files = unzipSync(new Uint8Array(readFileSync(path)));
  const beside = (name: string) => new Uint8Array(readFileSync(join(dirname(path), "attachments", name)));
  return {
    db: JSON.parse(new TextDecoder().decode(files["db.json"])),
    blob: (name) => files[`attachments/${name}.bin`] ?? beside(name),
  };
}

/** Every cell and every byte of the archive is in the target. */
async function expectEverything(target: Instance, path: string): Promise<void> {
  const archive = readArchive(path);
  for (const [table, rows] of Object.entries(archive.db)) {
    if (vault.tables[table] === undefined) continue;
    const found = await target.sql.unsafe(`select row_to_json(t)::text as row from ${table} t`);
    const byKey = new Map(found.map(({ row }) => [keyOf(JSON.parse(row)), JSON.parse(row)]));
    for (const row of rows) expect(byKey.get(keyOf(row)), `${table} ${keyOf(row)}`).toMatchObject(row);
  }
  for (const row of archive.db["attachments"]!) {
    const name = `${row["cipher_id"]}/${row["id"]}`;
    expect(Buffer.compare(await collect((await target.store.open(name)).body), archive.blob(name)), name).toBe(0);
  }
}

function keyOf(row: Record<string, unknown>): unknown {
  return row["key"] !== undefined && row["id"] === undefined ? row["key"] : (row["id"] ?? row["user_id"]);
}

/** The archives made here, of each kind. */
async function ownArchives(): Promise<string[]> {
  const folder = join(home, "archives");
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const form of [{}, { byReference: true }, { level: 6, indent: 0 }] as const) {
    const archive = sampleArchive();
    const bytes = archiveBytes(archive, form);
    paths.push(join(folder, await archiveName(bytes)));
    await writeFile(paths.at(-1)!, bytes);
    if (!("byReference" in form)) continue;
    for (const [name, content] of archive.blobs) {
      await mkdir(join(folder, "attachments", dirname(name)), { recursive: true });
      await writeFile(join(folder, "attachments", name), content);
    }
  }
  return paths;
}

describe("an archive enters a vault with every cell and every attachment byte", () => {
  test("with attachments inside, beside, and compressed", async () => {
    for (const path of await ownArchives()) {
      const target = await emptyVault();
      const report = await importArchive(target, path, "skip_existing");
      expect(report.plan.blobs).toMatchObject({ write: 3, missing: 0 });
      expect(report.skipped).toEqual([]);
      await expectEverything(target, path);
    }
  });

  const samples = ["", "remote"].flatMap((folder) => {
    const at = join(corpus, folder);
    return existsSync(at)
      ? readdirSync(at)
          .filter((name) => name.endsWith(".zip"))
          .map((name) => join(at, name))
      : [];
  });

  test.skipIf(samples.length === 0)("real ones, where they lie beside the repository", async () => {
    for (const path of samples) {
      const target = await emptyVault();
      const report = await importArchive(target, path, "replace");
      expect(report.skipped).toEqual([]);
      await expectEverything(target, path);
    }
    expect(samples).toHaveLength(3);
  });
});

/** All rows that a backup holds, as texts, and all objects of attachments. */
async function contentOf({ sql, store }: Instance): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {};
  for (const [table, { columns, where = "true" }] of Object.entries(vault.tables)) {
    const listed = columns.map((column) => `"${column}"`).join(", ");
    const rows = await sql.unsafe(`select t::text as row from (select ${listed} from ${table} where ${where}) t order by 1`);
    content[table] = rows.map(({ row }) => row);
  }
  for (const { cipher_id, id } of await sql`select cipher_id, id from attachments`) {
    const key = `${cipher_id}/${id}`;
    const object = await collect((await store.open(key)).body);
    content[key] = createHash("sha256").update(object).digest("hex");
  }
  return content;
}

/** The backup settings leave with their portable part alone, and arrive so. */
async function keepPortable(sql: Instance["sql"]): Promise<void> {
  const value = vault.tables["config"]!.rewrite!["value"]!;
  await sql.unsafe(`update config set value = ${value}`);
}

test("vault, NodeWarden archive, vault: identical, and NodeWarden would restore what lies between", async () => {
  const database = await db.create();
  await makeSchema(database.sql);
  const store = folderStore(home, "round-trip");
  await fillDemo(database.sql, store, { users: 3, ciphers: 40, attachments: 12, seed: 3 });
  await keepPortable(database.sql);
  const { sql, url } = database;
  const source = { sql, url, store, importer: await findImporter(sql, vault) };
  const [folder, direct] = [join(home, "converted"), join(home, "direct")];
  await mkdir(folder);
  await mkdir(direct);
  const holdall = (args: string[]) => run({ args: [...args, "--json"], cwd: home });
  const convert = (args: string[]) => holdall(["convert", ...args]);
  const bundle = await exportFile(source, join(home, "round-trip.zip"), { scope: vault });
  const to = await convert([bundle, folder, "--to", "nodewarden"]);
  expect(to).toMatchObject({ code: 0, err: "" });
  const { file } = JSON.parse(to.out) as { file: string };
  const from = ["--scope", "vault", "--database", url, "--blobs", `file:${join(home, "round-trip")}`];
  const time = ["--created-at", createdAt.toISOString()];
  const exported = await holdall(["export", ...from, ...time, "--layout", "nodewarden", "--out", direct]);
  expect(exported).toMatchObject({ code: 0, err: "" });
  const { file: same } = JSON.parse(exported.out) as { file: string };
  expect(basename(same)).toBe(basename(file));
  expect(refusalOf(new Uint8Array(readFileSync(file)), basename(file))).toBeUndefined();
  const target = await emptyVault();
  await importArchive(target, file, "replace");
  expect(await contentOf(target)).toEqual(await contentOf(source));
  const back = await convert([file, join(home, "back.ndjson"), "--to", "holdall"]);
  expect(back).toMatchObject({ code: 0, err: "" });
  const again = await emptyVault();
  await importArchive(again, join(home, "back.ndjson"), "replace");
  expect(await contentOf(again)).toEqual(await contentOf(source));
});

test("a name with another hash is refused on the command line, unless it is accepted, which the report says", async () => {
  const target = await emptyVault();
  const path = join(home, "nodewarden_backup_20260301_120059_00000.zip");
  await writeFile(path, archiveBytes(sampleArchive()));
  const common = ["import", path, "--scope", "vault", "--database", target.url, "--blobs", `file:${join(home, "named")}`];
  const args = [...common, "--mode", "replace", "--as", target.importer.email, "--yes", "--json"];
  const refused = await run({ args, cwd: home });
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.out)).toMatchObject({ error: { code: "INTEGRITY_HASH" } });
  const accepted = await run({ args: [...args, "--accept-name-mismatch"], cwd: home });
  expect(accepted.code).toBe(0);
  const [journal] = await target.sql`select report from holdall_journal.imports order by started_at desc limit 1`;
  expect(journal!["report"].plan.warnings).toEqual([expect.stringContaining("begins with 00000")]);
});

test("over HTTP the form says the file's name, and a field that another one is accepted", async () => {
  const { sql, store } = await emptyVault();
  const app = createBackupApp({ authorize: () => ({}), sql, store, scope: vault, uploads: { folder: join(home, "uploads") } });
  const previewed = async (name: string, fields: Record<string, string> = {}) => {
    const form = new FormData();
    form.set("file", new File([archiveBytes(sampleArchive()) as Uint8Array<ArrayBuffer>], name));
    for (const [field, text] of Object.entries({ mode: "replace", ...fields })) form.set(field, text);
    const answer = await app.request("/import/preview", { method: "POST", body: form });
    return { status: answer.status, body: (await answer.json()) as { code?: string; plan?: { warnings: string[] } } };
  };
  const wrong = "nodewarden_backup_20260301_120059_00000.zip";
  expect(await previewed("renamed.zip")).toMatchObject({ status: 200, body: { plan: { warnings: [] } } });
  expect(await previewed(wrong)).toMatchObject({ status: 422, body: { code: "INTEGRITY_HASH" } });
  expect(await previewed("upload", { file_name: wrong })).toMatchObject({ status: 422 });
  const { status, body } = await previewed(wrong, { accept_name_mismatch: "true" });
  expect(status).toBe(200);
  expect(body.plan!.warnings).toEqual([expect.stringContaining("accepted as asked")]);
});
