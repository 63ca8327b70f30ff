import { readFileSync } from "node:fs";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../../engine/bundle/manifest.ts";
import { bytesSource } from "../../../engine/byte-source.ts";
import { concat } from "../../../engine/bytes.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { writeBundle } from "../../../engine/write-bundle.ts";
import type { BlobStore } from "../../../server/blobs/blob-store.ts";
import { openPool, type Pool } from "../../../server/blobs/pool.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { createBackupApp } from "../../../server/http/backup-app.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  preview,
  stateOf,
  tableTexts,
  withBundle,
} from "../../support/instances.ts";
import { createBucket, s3SkipReason, s3StartTimeout } from "../../support/s3.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { run } from "../cli/command-line.ts";

const codec = nodeCodec;
const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
let home: string;
let source: Instance;
let pool: Pool;
let bundle: string;
let manifest: Manifest;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"), { assets: 20, files: 10, orgs: 1 });
  pool = await openPool(home);
  bundle = await exportFile(source, join(home, "referring.zip"), { poolBlobs: pool.blobs });
  manifest = await withBundle(bundle, async (opened) => opened.manifest);
});

const blobs = async () => (await readdir(join(home, "blobs"))).filter((name) => name !== ".holdall").sort();
const hashes = () => manifest.files.flatMap(({ sha256, stored }) => (stored === "external" ? [sha256!] : []));

/** What a verification with the pool says. */
async function verdict(path: string): Promise<{ valid: boolean; codes: string[] }> {
  const { valid, issues } = await withBundle(path, (opened) => verifyBundle(opened, { codec, pool }));
  return { valid, codes: issues.filter(({ severity }) => severity === "error").map(({ code }) => code) };
}

/** Changes one object of the pool for as long as `work` takes. */
async function withChanged<T>(change: (path: string) => Promise<unknown>, work: (sha256: string) => Promise<T>): Promise<T> {
  const sha256 = manifest.files.find(({ size, stored }) => stored === "external" && size! > 0)!.sha256!;
  const path = join(home, "blobs", sha256);
  const content = readFileSync(path);
  await change(path);
  try {
    return await work(sha256);
  } finally {
    await writeFile(path, content);
  }
}

const flipped = async (path: string) => {
  const bytes = readFileSync(path);
  bytes[0]! ^= 1;
  await writeFile(path, bytes);
};

test("the pool takes each content once, under its hash, and the bundle names it by hash and key", async () => {
  expect(await blobs()).toEqual([...new Set(hashes())].sort());
  const files = manifest.files.filter(({ stored }) => stored !== "missing");
  expect(files.length).toBeGreaterThan(5);
  for (const { stored, path, sha256, reference, object_key } of files) {
    expect({ stored, path, reference }).toEqual({ stored: "external", path: null, reference: `blobs/${sha256}` });
    expect(Buffer.from(await codec.sha256(new Uint8Array(readFileSync(join(home, "blobs", sha256!))))).toString()).toBe(sha256);
    expect(await source.store.stat(object_key)).not.toBeNull();
  }
});

test("a second bundle writes nothing into it, and the same data gives the same bytes", async () => {
  const created: string[] = [];
  const create: BlobStore["create"] = (key, ...rest) => {
    created.push(key);
    return pool.blobs.create(key, ...rest);
  };
  const counting = new Proxy(pool.blobs, { get: (store, name) => (name === "create" ? create : bound(store, name)) });
  const again = await exportFile(source, join(home, "again.zip"), { poolBlobs: counting });
  expect(created).toEqual([]);
  expect(readFileSync(again).equals(readFileSync(bundle))).toBe(true);
});

function bound(store: BlobStore, name: string | symbol): unknown {
  const value = Reflect.get(store, name);
  return typeof value === "function" ? value.bind(store) : value;
}

test("an object that was cut in the pool is written anew", async () => {
  await withChanged(
    (path) => writeFile(path, "short"),
    async (sha256) => {
      await exportFile(source, join(home, "healed.zip"), { poolBlobs: pool.blobs });
      expect(await codec.sha256(new Uint8Array(readFileSync(join(home, "blobs", sha256))))).toBe(sha256);
    },
  );
});

describe("verification", () => {
  test("reads every file of the pool, where it is asked to", async () => {
    expect(await verdict(bundle)).toEqual({ valid: true, codes: [] });
    expect(await withChanged(flipped, () => verdict(bundle))).toEqual({ valid: false, codes: ["INTEGRITY_HASH"] });
    expect(
      await withChanged(
        (path) => rm(path),
        () => verdict(bundle),
      ),
    ).toEqual({ valid: false, codes: ["INTEGRITY_MISSING"] });
    const cut = await withChanged(
      (path) => writeFile(path, ""),
      () => verdict(bundle),
    );
    expect(cut).toEqual({ valid: false, codes: ["INTEGRITY_SIZE"] });
  });

  test.each(["../secret.txt", "secret.txt", "blobs/0000", "blobs/../secret.txt"])(
    "refuses a reference to %s",
    async (reference) => {
      const { table_counts: _, tables: __, files: ___, warnings, ...header } = manifest;
      const file = { ...manifest.files.find(({ stored }) => stored === "external")! };
      const stated = {
        id: file.id,
        name: "x",
        objectKey: file.object_key,
        contentType: null,
        size: 6,
        sha256: file.sha256,
        reference,
      };
      async function* files() {
        yield { ...stated, object: "external" as const };
      }
      async function* none() {}
      const parts: Uint8Array[] = [];
      for await (const part of writeBundle({ header, tables: none(), files, warnings }, { container: "zip", codec }))
        parts.push(part);
      const opened = await openBundle(bytesSource(concat(parts)), { codec });
      await writeFile(join(home, "secret.txt"), "secret");
      const asked: string[] = [];
      const open = (name: string) => {
        asked.push(name);
        return pool.open(name);
      };
      const watched = { ...pool, open };
      const { issues } = await verifyBundle(opened, { codec, pool: watched });
      expect(issues).toContainEqual(
        expect.objectContaining({ code: "SCHEMA_MANIFEST", message: expect.stringContaining("may not refer") }),
      );
      expect(asked).toEqual([]);
    },
  );
});

describe("an import", () => {
  test("takes the files from the pool: rows and objects are those of a bundle that carries them", async () => {
    const carrying = await exportFile(source, join(home, "carrying.zip"));
    const [one, other] = [await emptyInstance(db, folderStore(home, "one")), await emptyInstance(db, folderStore(home, "other"))];
    const plan = await preview(one, bundle, "skip_existing", { pool });
    expect(plan.blobs).toMatchObject({ write: hashes().length, missing: 0 });
    expect((await stateOf(one)).objects).toEqual([]);
    const report = await importFile(one, bundle, "skip_existing", { pool, planDigest: plan.digest });
    expect(report.plan).toEqual(plan);
    await importFile(other, carrying);
    expect((await stateOf(one)).objects).toEqual((await stateOf(other)).objects);
    const local = (_: string, column: string) => /^(created|uploaded|imported|importer)/.test(column);
    expect(await tableTexts(one.sql, local)).toEqual(await tableTexts(other.sql, local));
    const again = await preview(one, bundle, "skip_existing", { pool });
    expect(again.blobs).toMatchObject({ write: 0 });
  });

  test("skips the row of a file that the pool has lost or changed, and says so", async () => {
    const target = await emptyInstance(db, folderStore(home, "damaged"));
    await withChanged(flipped, async (sha256) => {
      const { blobs } = await preview(target, bundle, "skip_existing", { pool });
      expect(blobs.missing).toBe(hashes().filter((hash) => hash === sha256).length);
    });
    await withChanged(
      (path) => rm(path),
      async (sha256) => {
        const report = await importFile(target, bundle, "skip_existing", { pool });
        const skipped = report.skipped.filter(({ outcome }) => outcome === "blob_missing");
        expect(skipped).toHaveLength(hashes().filter((hash) => hash === sha256).length);
      },
    );
  });
});

test("over HTTP, where the server has a pool", async () => {
  const { sql, store } = source;
  const authorize = () => ({});
  const uploads = { folder: join(home, "uploads") };
  const ask = (app: ReturnType<typeof createBackupApp>, body: object) =>
    app.request("/export", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const without = createBackupApp({ authorize, sql, store, scope: easm, uploads });
  expect(await (await ask(without, { files: "by-reference" })).json()).toMatchObject({ code: "REQUEST_INVALID", status: 400 });
  const app = createBackupApp({ authorize, sql, store, scope: easm, uploads, pool });
  expect((await ask(app, { files: "elsewhere" })).status).toBe(400);
  const answer = await ask(app, { files: "by-reference" });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const exported = await openBundle(bytesSource(bytes), { codec });
  expect(exported.manifest.files.filter(({ reference }) => reference !== undefined)).toHaveLength(hashes().length);
  const target = await emptyInstance(db, folderStore(home, "http"));
  const receiving = createBackupApp({ authorize, sql: target.sql, store: target.store, scope: easm, uploads, pool });
  const headers = { "content-type": "application/zip" };
  const previewed = await receiving.request("/import/preview", { method: "POST", headers, body: bytes });
  expect(await previewed.json()).toMatchObject({ plan: { blobs: { write: hashes().length, missing: 0 } } });
});

test("on the command line: export beside its pool, verify, and one bundle that carries all again", async () => {
  const folder = join(home, "cli");
  await mkdir(folder);
  const target = ["--database", source.url, "--blobs", `file:${join(home, "source")}`];
  const cli = (args: string[]) => run({ args: [...args, "--json"], cwd: home });
  const exported = await cli(["export", ...target, "--files", "by-reference", "--out", folder]);
  expect(exported).toMatchObject({ code: 0, err: "" });
  const { file, files } = JSON.parse(exported.out) as { file: string; files: { bundle: number; by_reference: number } };
  expect(files).toMatchObject({ bundle: 0, by_reference: hashes().length });
  expect((await readdir(join(folder, "blobs"))).length).toBeGreaterThan(1);
  expect(await cli(["verify", "--files", file])).toMatchObject({ code: 0 });
  const carrying = join(folder, "carrying.zip");
  expect(await cli(["convert", file, carrying, "--to", "holdall"])).toMatchObject({ code: 0 });
  await withBundle(carrying, async (opened) => {
    expect((await verifyBundle(opened, { codec })).issues).toEqual([]);
    expect(opened.manifest.files.filter(({ stored }) => stored === "bundle")).toHaveLength(hashes().length);
  });
  expect((await stat(carrying)).size).toBeGreaterThan((await stat(file)).size);
  await rm(join(folder, "blobs", hashes()[0]!));
  expect(await cli(["verify", "--files", file])).toMatchObject({ code: 1, out: expect.stringContaining("INTEGRITY_MISSING") });
});

describe.skipIf(s3SkipReason() !== undefined)("a pool in a bucket", () => {
  test(
    "takes the files, is verified, and an import reads from it",
    async () => {
      const { spec, env } = await createBucket();
      const cli = (args: string[]) => run({ args: [...args, "--pool", `${spec}/backups`, "--json"], cwd: home, env });
      const file = join(home, "in-bucket.zip");
      const from = ["--database", source.url, "--blobs", `file:${join(home, "source")}`];
      const exported = await cli(["export", ...from, "--files", "by-reference", "--out", file]);
      expect(exported).toMatchObject({ code: 0, err: "" });
      expect(await cli(["verify", "--files", file])).toMatchObject({ code: 0 });
      const target = await emptyInstance(db, folderStore(home, "from-bucket"));
      const to = ["--database", target.url, "--blobs", `file:${join(home, "from-bucket")}`];
      const imported = await cli(["import", file, ...to, "--mode", "skip_existing", "--as", target.importer.email, "--yes"]);
      expect(imported).toMatchObject({ code: 0, err: "" });
      expect((await stateOf(target)).objects).toHaveLength(hashes().length);
    },
    s3StartTimeout,
  );
});
