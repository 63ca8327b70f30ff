import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { collect } from "../../../engine/bytes.ts";
import type { ImportReport } from "../../../engine/plan.ts";
import { openPool } from "../../../server/blobs/pool.ts";
import { importBundle, previewImport } from "../../../server/import/import-bundle.ts";
import { findImporter } from "../../../server/import/importer.ts";
import { fillEmpty, makeSchema } from "../../../server/scopes/vault/demo.ts";
import { vault } from "../../../server/scopes/vault/scope.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { folderStore, type Instance, withBundle } from "../../support/instances.ts";
import { archiveBytes, archiveName, sampleArchive } from "../../support/nodewarden.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

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

async function requestOf(target: Instance, bundle: Parameters<Parameters<typeof withBundle>[1]>[0], beside: string) {
  const { sql, store, importer } = target;
  return { sql, store, importer, scope: vault, bundle, mode: "skip_existing" as const, pool: await openPool(beside) };
}

async function importArchive(target: Instance, path: string): Promise<ImportReport> {
  return withBundle(path, async (bundle) => {
    const request = await requestOf(target, bundle, dirname(path));
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
    paths.push(join(folder, archiveName(bytes)));
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
      const report = await importArchive(target, path);
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
      const report = await importArchive(target, path);
      expect(report.skipped).toEqual([]);
      await expectEverything(target, path);
    }
    expect(samples).toHaveLength(3);
  });
});
