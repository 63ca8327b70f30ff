import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { collect } from "../../../engine/bytes.ts";
import type { ImportReport } from "../../../engine/plan.ts";
import { type CarriedFile, carriedFiles } from "../../../engine/thin-bundle.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { knownBlobs } from "../../../server/import/known-blobs.ts";
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
  withBundle,
} from "../../support/instances.ts";
import { rebuild } from "../../support/rebuild.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { bytesOf, makeThin } from "../../support/thin.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
let home: string;
let source: Instance;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(home, "source"));
});

/** A target that has every object of the bundle, under other keys and for other rows. */
async function targetWithObjects(name: string, bundle: string): Promise<Instance> {
  const target = await emptyInstance(db, folderStore(home, name));
  await importFile(target, bundle);
  const rows = await target.sql<{ object_key: string; size: number; sha256: string }[]>`
    select object_key, size_bytes::float8 as size, sha256::text as sha256 from files`;
  for (const { object_key: key, size, sha256 } of rows) {
    await target.store.create(`earlier/${key}`, (await target.store.open(key)).body, { size, sha256 });
    await target.store.remove(key);
  }
  await target.sql`update reports set file_id = null`;
  await target.sql`update files set id = md5(id::text)::uuid, object_key = 'earlier/' || object_key`;
  return target;
}

function withoutIds({ import_id: _, started_at: _s, finished_at: _f, ...report }: ImportReport) {
  return report;
}

async function objectHashes(instance: Instance): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for await (const { key } of instance.store.list()) {
    const body = await collect((await instance.store.open(key)).body);
    hashes[key] = createHash("sha256").update(body).digest("hex");
  }
  return hashes;
}

/** Every second file. */
const half = (file: CarriedFile) => Number.parseInt(file.sha256.slice(0, 2), 16) % 2 === 0;

describe.each(["zip", "ndjson"] as const)("a thin bundle (%s)", (container) => {
  const at = (name: string) => join(home, `${name}.${container}`);

  test("is sound, smaller, and keeps manifest and checksums byte for byte", async () => {
    const full = await exportFile(source, at("full"), { container });
    const omitted = await makeThin(full, at("thin"), half);
    expect(omitted.length).toBeGreaterThan(3);
    await withBundle(at("thin"), async (thin) => {
      const found = await verifyBundle(thin, { codec: nodeCodec });
      expect(found.issues).toEqual([]);
      expect(found).toMatchObject({ valid: true, omitted: omitted.length });
      await withBundle(full, async (whole) => {
        for (const path of ["manifest.json", "checksums.json"]) {
          expect(await collect(thin.open(path))).toEqual(await collect(whole.open(path)));
        }
      });
    });
    expect((await stat(at("thin"))).size).toBeLessThan((await stat(full)).size);
    await makeThin(full, at("again"), half);
    expect(await bytesOf(at("again"))).toEqual(await bytesOf(at("thin")));
  });

  test("gives the same plan, report, rows and objects as the full one", async () => {
    const full = await exportFile(source, at("full"), { container });
    const [first, second] = [
      await targetWithObjects(`first-${container}`, full),
      await targetWithObjects(`second-${container}`, full),
    ];
    expect(await stateOf(first)).toEqual(await stateOf(second));
    const files = await withBundle(full, async (bundle) => carriedFiles(bundle));
    expect(await knownBlobs({ ...second, scope: easm }, files)).toEqual(files.map(() => true));
    await makeThin(full, at("thin"), () => true);

    const [planFull, planThin] = [await preview(first, full, "merge"), await preview(second, at("thin"), "merge")];
    expect((await preview(second, full, "merge")).digest).toBe(planThin.digest);
    expect(planFull.blobs.write).toBe(files.length);
    expect(planThin).toMatchObject({ ...planFull, digest: expect.any(String) });
    const reportFull = await importFile(first, full, "merge", { planDigest: planFull.digest });
    const reportThin = await importFile(second, at("thin"), "merge", { planDigest: planThin.digest });
    const [{ plan: a, ...restFull }, { plan: b, ...restThin }] = [withoutIds(reportFull), withoutIds(reportThin)];
    expect(restThin).toEqual(restFull);
    expect(b).toMatchObject({ ...a, digest: expect.any(String) });
    expect(await objectHashes(second)).toEqual(await objectHashes(first));
    expect((await stateOf(second)).tables["files"]!.length).toBe(2 * files.length);
  });
});

describe("what a thin bundle names and the target lacks", () => {
  test("keeps its row out as blob_missing, also where the object is another one than the row says", async () => {
    const full = await exportFile(source, join(home, "lacking.zip"));
    const target = await targetWithObjects("lacking", full);
    const files = await withBundle(full, async (bundle) => carriedFiles(bundle));
    const [gone, changed] = files as [CarriedFile, CarriedFile];
    await target.store.remove(`earlier/${gone.object_key}`);
    await target.store.remove(`earlier/${changed.object_key}`);
    const other = new Uint8Array(changed.size).fill(7);
    const sha256 = createHash("sha256").update(other).digest("hex");
    await target.store.create(`earlier/${changed.object_key}`, [other] as never, { size: other.length, sha256 });

    expect(await knownBlobs({ ...target, scope: easm }, files)).toEqual(files.map((file) => file !== gone));
    await makeThin(full, join(home, "lacking-thin.zip"), () => true);
    const plan = await preview(target, join(home, "lacking-thin.zip"));
    expect(plan.blobs).toMatchObject({ write: files.length - 2, missing: 2 });
    const report = await importFile(target, join(home, "lacking-thin.zip"), "skip_existing", { planDigest: plan.digest });
    const missing = report.skipped.filter(({ outcome }) => outcome === "blob_missing").map(({ key }) => key[0]);
    expect(missing.sort()).toEqual([gone.id, changed.id].sort());
    expect(await target.store.stat(gone.object_key)).toBeNull();
  });
});

describe("a thin bundle that lies is refused", () => {
  const forms: Record<string, (file: CarriedFile) => { path: string; sha256: string; size: number }> = {
    INTEGRITY_HASH: ({ path, size }) => ({ path, sha256: "0".repeat(64), size }),
    INTEGRITY_SIZE: ({ path, sha256, size }) => ({ path, sha256, size: size + 1 }),
    INTEGRITY_UNLISTED: ({ sha256, size }) => ({ path: "files/none/none.txt", sha256, size }),
  };
  test.each(Object.entries(forms))("%s", async (code, lie) => {
    const full = await exportFile(source, join(home, `lie-${code}.zip`));
    const [file] = await withBundle(full, async (bundle) => carriedFiles(bundle));
    const lines = [lie(file!)].map((item) => JSON.stringify(item)).join(",");
    const thin = `{"format":"holdall-thin","version":1,"files":[${lines}]}`;
    const edit = (path: string, text: string) => (path === file!.path ? null : text);
    await rebuild(full, join(home, "lie.zip"), { edit, add: { "thin.json": thin } });
    await withBundle(join(home, "lie.zip"), async (bundle) => {
      const found = await verifyBundle(bundle, { codec: nodeCodec });
      expect(found.valid).toBe(false);
      expect(found.issues.map((issue) => issue.code)).toContain(code);
    });
  });
});
