import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../../engine/bundle/manifest.ts";
import type { ErrorCode } from "../../../engine/errors.ts";
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
import { type Rebuild, rebuild } from "../../support/rebuild.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
let folder: string;
let target: Instance;
let bundle: string;
let stream: string;
let before: Awaited<ReturnType<typeof stateOf>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const source = await demoInstance(db, folderStore(folder, "source"), { assets: 40, files: 8 });
  bundle = await exportFile(source, join(folder, "good.zip"));
  stream = await exportFile(source, join(folder, "good.ndjson"), { container: "ndjson" });
  target = await emptyInstance(db, folderStore(folder, "target"));
  before = await stateOf(target);
});

async function isRefused(path: string, code: ErrorCode, details: object = {}): Promise<void> {
  const refusal = { code, details: expect.objectContaining(details) };
  await expect(preview(target, path)).rejects.toMatchObject(refusal);
  await expect(importFile(target, path)).rejects.toMatchObject(refusal);
  expect(await stateOf(target)).toEqual(before);
}

const firstFile = () => withBundle(bundle, async ({ manifest }) => manifest.files.find((file) => (file.size ?? 0) > 100)!);

type Edit = (path: string, text: string) => string;

function inEntry(entry: string, change: (text: string) => string): Edit {
  return (path, text) => (path === entry ? change(text) : text);
}

function inManifest(change: (manifest: Manifest) => void): Edit {
  return inEntry("manifest.json", (text) => {
    const manifest = JSON.parse(text) as Manifest;
    change(manifest);
    return JSON.stringify(manifest);
  });
}

/** The manifest need not describe tables; where it does, their bytes are counted. */
const withoutTables = inManifest((manifest) => {
  manifest.tables = [];
});

describe("a damaged bundle is refused with its code, and nothing changes", () => {
  const changed = (name: string, change: Rebuild) => rebuild(bundle, join(folder, `${name}.zip`), change);
  test("one byte of a stored object flipped", async () => {
    const bytes = await readFile(stream);
    const { path } = await firstFile();
    const at = bytes.indexOf(`{"$file":${JSON.stringify(path)}`);
    bytes[bytes.indexOf("\n", at) + 50]! ^= 1;
    const flipped = join(folder, "flipped.ndjson");
    await writeFile(flipped, bytes);
    await isRefused(flipped, "INTEGRITY_HASH", { entry: path });
  });

  test("one value of a row changed", async () => {
    const path = await changed("value", {
      edit: inEntry("data/assets.json", (text) => text.replace(/"value":"./, '"value":"~')),
    });
    await isRefused(path, "INTEGRITY_HASH", { entry: "data/assets.json" });
  });

  test("a table missing", async () => {
    const path = await changed("missing", { edit: (entry, text) => (entry === "data/scopes.json" ? null : text) });
    await isRefused(path, "INTEGRITY_MISSING", { entry: "data/scopes.json" });
  });

  test("a stored object missing", async () => {
    const file = await firstFile();
    const path = await changed("missing-file", { edit: (entry, text) => (entry === file.path ? null : text), rehash: true });
    await isRefused(path, "INTEGRITY_MISSING", { entry: file.path });
  });

  test("an entry added", async () => {
    await isRefused(await changed("added", { add: { "data/extra.json": "[\n]\n" } }), "INTEGRITY_UNLISTED", {
      entry: "data/extra.json",
    });
    await isRefused(await changed("outside", { add: { "bin/run": "x" }, rehash: true }), "INTEGRITY_UNLISTED", {
      entry: "bin/run",
    });
    await isRefused(await changed("file", { add: { "files/x/y": "x" }, rehash: true }), "INTEGRITY_UNLISTED", {
      entry: "files/x/y",
    });
  });

  test("a wrong count", async () => {
    const edit = inEntry("manifest.json", (text) => text.replace('"assets": 40', '"assets": 41'));
    await isRefused(await changed("count", { edit, rehash: true }), "INTEGRITY_COUNT", { entry: "data/assets.json" });
  });

  test("a path that climbs out", async () => {
    const bytes = await readFile(bundle);
    // The same length, in the local and in the central header.
    for (let at = bytes.indexOf("data/assets.json"); at !== -1; at = bytes.indexOf("data/assets.json", at))
      bytes.write("../../assets.jso", at);
    const path = join(folder, "slip.zip");
    await writeFile(path, bytes);
    await isRefused(path, "PATH_TRAVERSAL");
  });

  test("a file row without its file", async () => {
    const { id } = await firstFile();
    const edit = inManifest((manifest) => {
      manifest.files = manifest.files.filter((file) => file.id !== id);
    });
    const path = await changed("file-row", {
      edit: (entry, text) => (entry.startsWith(`files/${id}/`) ? null : edit(entry, text)),
      rehash: true,
    });
    await isRefused(path, "INTEGRITY_MISSING", { entry: "data/files.json" });
  });

  test.each([0, 1, 22, 100, 5000])("a tail cut by %i bytes, where any", async (cut) => {
    for (const good of [bundle, stream]) {
      const bytes = await readFile(good);
      const path = join(folder, `cut-${cut}`);
      await writeFile(path, bytes.subarray(0, bytes.length - cut));
      if (cut === 0) await expect(preview(target, path)).resolves.toBeDefined();
      else await expect(importFile(target, path)).rejects.toMatchObject({ code: expect.stringMatching(/^(ZIP|STREAM)_/) });
    }
    expect(await stateOf(target)).toEqual(before);
  });

  test("a row that is no JSON", async () => {
    const edit = inEntry("data/scopes.json", (text) => text.replace("},\n", "},\n{oops},\n"));
    await isRefused(await changed("row", { edit, rehash: true }), "SCHEMA_ROW", { entry: "data/scopes.json", row: 2, line: 3 });
  });

  test("a row twice, a column twice", async () => {
    const twice = inEntry("data/scopes.json", (text) => text.replace(/\[\n(.*),\n/, "[\n$1,\n$1,\n"));
    const sixteen = inManifest((manifest) => {
      manifest.table_counts["scopes"] = 16;
      manifest.tables = [];
    });
    const edit: Edit = (entry, text) => sixteen(entry, twice(entry, text));
    await isRefused(await changed("twice", { edit, rehash: true }), "SCHEMA_ROW", { entry: "data/scopes.json", row: 2 });
    const column = inEntry("data/scopes.json", (text) =>
      text.replace('{"id":', '{"id":"7b4b0cf0-0000-4000-8000-000000000000","id":'),
    );
    await isRefused(await changed("column", { edit: column, rehash: true }), "SCHEMA_ROW", { row: 1, line: 2 });
  });

  test("a value that its column cannot hold", async () => {
    const enumeration = inEntry("data/assets.json", (text) => text.replace(/"type":"[a-z_]+"/, '"type":"no such type"'));
    const edit: Edit = (entry, text) => withoutTables(entry, enumeration(entry, text));
    await isRefused(await changed("enum", { edit, rehash: true }), "SCHEMA_ROW", { entry: "data/assets.json", row: 1 });
  });

  test("a newer format, another application, no manifest at all", async () => {
    const version = inManifest((manifest) => {
      manifest.format_version = 2;
    });
    await isRefused(await changed("newer", { edit: version, rehash: true }), "SCHEMA_VERSION", { found: 2, supported: 1 });
    const scope = inManifest((manifest) => {
      manifest.scope.name = "shop";
    });
    await isRefused(await changed("other", { edit: scope, rehash: true }), "SCHEMA_SCOPE", { found: "shop", expected: "easm" });
    const none = await changed("none", { edit: (entry, text) => (entry === "manifest.json" ? null : text), rehash: true });
    await isRefused(none, "INTEGRITY_MISSING", { entry: "manifest.json" });
  });
});

test("a column or a table that the scope does not know is dropped with a warning and the rest arrives", async () => {
  const fresh = await emptyInstance(db, folderStore(folder, "fresh"));
  const path = await rebuild(bundle, join(folder, "extra.zip"), {
    edit: (entry, text) => {
      if (entry === "data/scopes.json") return text.replaceAll('{"id":', '{"password_hash":"stolen","id":');
      if (entry !== "manifest.json") return text;
      return text.replace('"scopes": 15', '"scopes": 15,\n    "gadgets": 1').replace(/\{"name":"scopes"[^\n]*\n/, "");
    },
    add: { "data/gadgets.json": '[\n{"id":1}\n]\n' },
    rehash: true,
  });
  const report = await importFile(fresh, path);
  expect(report.plan.tables.find((table) => table.table === "scopes")).toMatchObject({
    dropped_columns: ["password_hash"],
    outcomes: { insert: 15 },
  });
  expect(report.plan.warnings.join()).toContain("gadgets");
});
