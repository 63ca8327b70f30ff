import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { collect } from "../../../engine/bytes.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { exportBundle } from "../../../server/export/export-bundle.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { type FailingStore, type Faults, failingStore } from "../../support/failing-store.ts";
import { codeOf, expectQuiet, importStates } from "../../support/import-phases.ts";
import {
  createdAt,
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  withBundle,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const MiB = 1024 ** 2;

let home: string;
let source: Instance;
let store: FailingStore;
/** Files by size: an empty one is of no use for bytes that go wrong. */
let small: { id: string; object_key: string; size: number };
let large: { id: string; object_key: string; size: number };

beforeAll(async () => {
  home = await temporaryFolder();
  const made = await demoInstance(db, folderStore(home, "source"), { assets: 60, files: 12, orgs: 2 });
  await addLargeFile(made);
  store = failingStore(made.store);
  source = { ...made, store };
  const files =
    await made.sql`select id, object_key, size_bytes::int as size from files where size_bytes > 1000 order by size_bytes`;
  [small, large] = [files[0], files.at(-1)] as unknown as [typeof small, typeof large];
});

beforeEach(() => {
  store.faults = {};
});

/** Larger than what is read ahead whole: it is streamed. */
async function addLargeFile({ sql, store: objects }: Instance): Promise<void> {
  const bytes = randomBytes(9 * MiB);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const body = (async function* () {
    yield bytes;
  })();
  await objects.create("uploads/large.bin", body, { size: bytes.length, sha256 });
  await sql`insert into files (organization_id, object_key, original_name, content_type, size_bytes, sha256)
    select id, 'uploads/large.bin', 'large.bin', 'application/octet-stream', ${bytes.length}, ${sha256} from organizations limit 1`;
}

let number = 0;

/** Exports with these faults, and gives what the bundle, which has to be valid, says of its files. */
async function exported(faults: Faults, container: "zip" | "ndjson" = "zip") {
  store.faults = faults;
  const path = await exportFile(source, join(home, `bundle-${number++}`), { container });
  return withBundle(path, async (bundle) => {
    expect((await verifyBundle(bundle, { codec: nodeCodec })).issues.filter(({ severity }) => severity === "error")).toEqual([]);
    const stored = (id: string) => bundle.manifest.files.find((file) => file.id === id)!.stored;
    const contents = new Map<string, string>();
    for (const { id, path: entry } of bundle.manifest.files) {
      if (entry !== null)
        contents.set(
          id,
          createHash("sha256")
            .update(await collect(bundle.open(entry)))
            .digest("hex"),
        );
    }
    const content = (id: string) => contents.get(id);
    const target = async () => {
      const instance = await emptyInstance(db, folderStore(home, `target-${number++}`));
      return { instance, report: await importFile(instance, path) };
    };
    return {
      path,
      warnings: bundle.manifest.warnings,
      stored,
      target,
      content,
    };
  });
}

const isSmall = (key: string) => key === small.object_key;
const isLarge = (key: string) => key === large.object_key;

describe("an object that cannot be read", () => {
  const cases: { name: string; faults: () => Faults; file: () => typeof small; said: string }[] = [
    {
      name: "is unreadable",
      faults: () => ({ fail: (call, key) => call === "open" && isSmall(key) }),
      file: () => small,
      said: "could not be read",
    },
    {
      name: "is unreadable and large",
      faults: () => ({ fail: (call, key) => call === "open" && isLarge(key) }),
      file: () => large,
      said: "could not be read",
    },
    {
      name: "breaks off at its first byte, time and again",
      faults: () => ({ breakOff: (key) => (isSmall(key) ? 0 : undefined) }),
      file: () => small,
      said: "could not be read",
    },
    {
      name: "is shorter than the store said",
      faults: () => ({ truncate: (key) => (isSmall(key) ? 500 : undefined) }),
      file: () => small,
      said: "could not be read",
    },
  ];

  test.each(cases)("$name: a warning, and a valid bundle without it", async ({ faults, file, said }) => {
    const { warnings, stored } = await exported(faults());
    expect(stored(file().id)).toBe("missing");
    expect(warnings).toEqual([expect.stringContaining(file().id)]);
    expect(warnings[0]).toContain(said);
  });

  test.each(["zip", "ndjson"] as const)(
    "is missing: the same through %s, and its import skips that row alone",
    async (container) => {
      const { warnings, stored, target } = await exported({ missing: (key) => isSmall(key) }, container);
      expect(stored(small.id)).toBe("missing");
      expect(stored(large.id)).toBe("bundle");
      expect(warnings).toEqual([expect.stringContaining("is missing from the blob store")]);
      const { instance, report } = await target();
      expect(report.skipped.filter(({ table }) => table === "files")).toMatchObject([
        { outcome: "blob_missing", key: [small.id] },
      ]);
      expect(await instance.sql`select count(*)::int as n from files`).toMatchObject([{ n: 12 }]);
      expect(await importStates(instance.sql)).toEqual(["committed"]);
    },
  );

  test("has another content than its row says: a warning, and the bundle carries what is there", async () => {
    const { warnings, stored, content } = await exported({ corrupt: (call, key) => call === "open" && isSmall(key) });
    expect(stored(small.id)).toBe("bundle");
    expect(warnings).toEqual([expect.stringContaining("not the one that its row describes")]);
    expect(content(small.id)).toBeDefined();
  });
});

describe("an object that breaks off in the middle", () => {
  test.each(["small", "large"])("and is %s is read on from there", async (size) => {
    const untouched = await exported({});
    const file = size === "small" ? small : large;
    let left = 3;
    const { warnings, stored, content } = await exported({
      breakOff: (key) => (key === file.object_key && left-- > 0 ? Math.floor(file.size / 9) : undefined),
    });
    expect(left).toBeLessThanOrEqual(0);
    expect(warnings).toEqual([]);
    expect(stored(file.id)).toBe("bundle");
    expect(content(file.id)).toEqual(untouched.content(file.id));
  });

  test.each(["zip", "ndjson"] as const)("for good, and is large: no complete-looking %s", async (container) => {
    // Its first opening is for its size alone.
    for (const faults of [
      { breakOff: (key) => (isLarge(key) ? MiB : undefined) },
      { truncate: (key) => (isLarge(key) ? 5 * MiB : undefined) },
    ] satisfies Faults[]) {
      store.faults = faults;
      const chunks: Uint8Array[] = [];
      const reading = (async () => {
        for await (const chunk of exportBundle({ sql: source.sql, store, scope: easm, container, createdAt })) chunks.push(chunk);
      })();
      expect(await codeOf(reading)).toBe("IO_STORE_UNAVAILABLE");
      const bytes = Buffer.concat(chunks);
      expect(bytes.length).toBeGreaterThan(100_000);
      // What ends a ZIP's central directory, or an ndjson stream.
      const end = container === "zip" ? Buffer.from([0x50, 0x4b, 0x05, 0x06]) : Buffer.from('{"$done"');
      expect(bytes.includes(end)).toBe(false);
      await expectQuiet(source.sql);
    }
  });
});
