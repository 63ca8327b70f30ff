import { createHash } from "node:crypto";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { collect } from "../../../engine/bytes.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { openStore } from "../../../server/blobs/open-store.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
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

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
let home: string;
let source: Instance;

const folder = () => home;

beforeAll(async () => {
  home = await temporaryFolder();
  source = await demoInstance(db, folderStore(folder(), "source"));
});

/** What the document reassigns: who made a row, and nullable references to users. */
const reassigned: Record<string, string[]> = {
  organizations: ["created_by"],
  scopes: ["created_by"],
  scans: ["created_by", "state", "finished_at"],
  scan_jobs: ["state", "finished_at", "error_message"],
  reports: ["created_by"],
  assets: ["created_by"],
  vulnerabilities: ["created_by", "assigned_to"],
  files: ["created_by"],
  exposure_changes: ["actor_id"],
};

async function dataEntries(path: string): Promise<Record<string, string>> {
  return withBundle(path, async (bundle) => {
    const texts: Record<string, string> = {};
    for (const { path: entry } of bundle.container.entries) {
      if (entry.startsWith("data/")) texts[entry] = new TextDecoder().decode(await collect(bundle.open(entry)));
    }
    return texts;
  });
}

function withoutReassigned(entry: string, text: string): unknown[] {
  const columns = reassigned[entry.slice("data/".length, -".json".length)] ?? [];
  return (JSON.parse(text) as Record<string, unknown>[]).map((row) => {
    for (const column of columns)
      if (column.endsWith("_by") || column.endsWith("_to") || column === "actor_id") delete row[column];
    return row;
  });
}

async function objectHashes(instance: Instance): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for await (const { key } of instance.store.list()) {
    hashes[key] = createHash("sha256")
      .update(await collect((await instance.store.open(key)).body))
      .digest("hex");
  }
  return hashes;
}

async function movesWhole(target: Instance, container: "zip" | "ndjson"): Promise<void> {
  const first = await exportFile(source, join(folder(), `first-${container}`), { container });
  const before = await stateOf(target);
  const plan = await preview(target, first);
  expect(await stateOf(target)).toEqual(before);
  const report = await importFile(target, first, "skip_existing", { planDigest: plan.digest });
  expect(report.plan).toEqual(plan);
  expect(report.failed_blobs).toEqual([]);

  const second = await exportFile(target, join(folder(), `second-${container}`), { container });
  const [sent, arrived] = [await dataEntries(first), await dataEntries(second)];
  expect(Object.keys(arrived)).toEqual(Object.keys(sent));
  for (const [entry, text] of Object.entries(sent)) {
    if (entry === "data/organization_members.json") expect(JSON.parse(arrived[entry]!)).toEqual([]);
    else expect(withoutReassigned(entry, arrived[entry]!), entry).toEqual(withoutReassigned(entry, text));
  }
  expect(await objectHashes(target)).toEqual(await objectHashes(source));
}

describe("an instance moves whole", () => {
  test.each(["zip", "ndjson"] as const)("through %s, row for row and object for object", async (container) => {
    await movesWhole(await emptyInstance(db, folderStore(folder(), `target-${container}`)), container);
  });

  test.skipIf(s3SkipReason() !== undefined)(
    "into an S3 bucket",
    async () => {
      const bucket = await createBucket();
      const store = await openStore(`${bucket.spec}/objects`, bucket.env);
      await movesWhole(await emptyInstance(db, store), "zip");
      await store.close?.();
    },
    s3StartTimeout,
  );

  test("with every value as PostgreSQL itself writes it", async () => {
    const target = await emptyInstance(db, folderStore(folder(), "target-text"));
    const path = await exportFile(source, join(folder(), "text.zip"));
    await importFile(target, path);
    const leaveOut = (table: string, column: string) =>
      reassigned[table]?.includes(column) === true || cleaned[table]?.includes(column) === true;
    const [sent, arrived] = [await tableTexts(source.sql, leaveOut), await tableTexts(target.sql, leaveOut)];
    for (const table of [
      "organizations",
      "scopes",
      "assets",
      "asset_edges",
      "vulnerabilities",
      "scans",
      "scan_jobs",
      "reports",
      "files",
    ]) {
      expect(arrived[table], table).toEqual(sent[table]);
    }
  });

  test("and the same data gives the same bytes", async () => {
    const hash = async (name: string) =>
      createHash("sha256")
        .update(await collect((await import("node:fs")).createReadStream(await exportFile(source, join(folder(), name)))))
        .digest("hex");
    expect(await hash("again-1.zip")).toBe(await hash("again-2.zip"));
  });

  test("both containers carry the same entries with the same checksums", async () => {
    const checksums = async (container: "zip" | "ndjson") =>
      withBundle(await exportFile(source, join(folder(), `sums-${container}`), { container }), async (bundle) => {
        expect((await verifyBundle(bundle, { codec: nodeCodec })).issues).toEqual([]);
        return [...(await bundle.checksums!())];
      });
    expect(await checksums("ndjson")).toEqual(await checksums("zip"));
  });
});

/** Columns that the scope cleans on the way out. */
const cleaned: Record<string, string[]> = {
  organizations: ["settings"],
  scopes: ["scan_profile"],
  assets: ["metadata"],
  vulnerabilities: ["evidence"],
  scans: ["config", "error_message"],
  reports: ["parameters"],
  files: ["metadata"],
};
