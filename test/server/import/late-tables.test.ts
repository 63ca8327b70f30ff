import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../../engine/bundle/manifest.ts";
import type { BackupError } from "../../../engine/errors.ts";
import { verifyForImport } from "../../../server/import/verified-bundle.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { expectUntouched, failureOf, importStates } from "../../support/import-phases.ts";
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
import { type SqlTap, useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

/** Tables are verified while their rows are staged, and before any of them enters a table of the application. */

const db = useDatabase();
const tapOf = useSqlTaps();
const temporaryFolder = useTemporaryFolders();
const last = "exposure_changes";
const copies = /^copy .* from stdin$/;

let folder: string;
let source: Instance;
let bundle: string;
let stream: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  source = await demoInstance(db, folderStore(folder, "source"), { assets: 400, files: 0, orgs: 2 });
  bundle = await exportFile(source, join(folder, "bundle.zip"));
  stream = await exportFile(source, join(folder, "bundle.ndjson"), { container: "ndjson" });
});

let made = 0;
const changed = (change: Rebuild) => rebuild(bundle, join(folder, `changed-${made++}.zip`), change);

const inEntry =
  (entry: string, change: (text: string) => string): NonNullable<Rebuild["edit"]> =>
  (path, text) =>
    path === entry ? change(text) : text;

function inManifest(change: (manifest: Manifest) => void): NonNullable<Rebuild["edit"]> {
  return inEntry("manifest.json", (text) => {
    const manifest = JSON.parse(text) as Manifest;
    change(manifest);
    return JSON.stringify(manifest);
  });
}

/** A byte of the entry's content, as it lies in the file, is another one. */
async function flipped(path: string, entry: string): Promise<string> {
  const offset = await withBundle(path, async ({ container }) => {
    const found = container.entries.find((candidate) => candidate.path === entry) as unknown as { dataOffset: number };
    return found.dataOffset + 200;
  });
  const bytes = await readFile(path);
  bytes[offset]! ^= 1;
  const to = join(folder, `flipped-${made++}.zip`);
  await writeFile(to, bytes);
  return to;
}

/** A table's content is another one, and nothing but its rows say so. */
function described(table: string, change: (text: string) => string): Promise<string> {
  let bytes = 0;
  const edit: Rebuild["edit"] = (path, text) => {
    if (path === `data/${table}.json`) {
      const content = change(text);
      bytes = Buffer.byteLength(content);
      return content;
    }
    const state = inManifest(({ tables }) => {
      tables.find(({ name }) => name === table)!.bytes = bytes;
    });
    return state(path, text);
  };
  return changed({ edit, rehash: true });
}

/** One row more is stated of the table than it has, wherever rows are stated. */
function oneMore(table: string): Promise<string> {
  const edit = inManifest((manifest) => {
    manifest.table_counts[table]!++;
    manifest.tables.find(({ name }) => name === table)!.rows++;
  });
  return changed({ edit, rehash: true });
}

const inChecksums = (change: (hash: string) => string) =>
  changed({
    edit: inEntry("checksums.json", (text) =>
      text.replace(/("data\/asset_edges\.json": ?")([0-9a-f]+)/, (_, before, hash) => before + change(hash)),
    ),
  });

const damages: [what: string, make: () => Promise<string>][] = [
  ["a value changed", () => changed({ edit: inEntry("data/assets.json", (text) => text.replace(/"value":"./, '"value":"~')) })],
  ["another hash", () => inChecksums((hash) => (hash.startsWith("0") ? "1" : "0") + hash.slice(1))],
  ["a row less than stated", () => oneMore("vulnerabilities")],
  ["a row less than stated, in the last table", () => oneMore(last)],
  ["no JSON at the end of the last table", () => described(last, (text) => text.replace(/\}\n\]\n$/, ")\n]\n"))],
  ["a column twice", () => described("assets", (text) => text.replace("{", '{"value":"x",'))],
  ["a table that does not unpack", () => flipped(bundle, "data/assets.json")],
  ["the last table does not unpack", () => flipped(bundle, `data/${last}.json`)],
  [
    "a value changed in a stream",
    async () => {
      const text = await readFile(stream, "latin1");
      const path = join(folder, "changed.ndjson");
      await writeFile(path, text.replace(/"value":"./, '"value":"~'), "latin1");
      return path;
    },
  ],
];

const refusalOf = (path: string) =>
  withBundle(path, async (opened) => failureOf(verifyForImport(opened, easm))) as Promise<BackupError>;

async function tapped(target: Instance): Promise<{ tap: SqlTap; through: Instance; close: () => Promise<void> }> {
  const tap = await tapOf(target.url);
  const { connect } = await import("../../../server/database/connect.ts");
  const { sql, close } = await connect(tap.url);
  return { tap, through: { ...target, sql }, close };
}

describe("what is found in a table on its way in is refused as a verification refuses it, and nothing is left of it", () => {
  let empty: Instance;
  let full: Instance;

  beforeAll(async () => {
    empty = await emptyInstance(db, folderStore(folder, "empty"));
    full = await emptyInstance(db, folderStore(folder, "full"));
    await importFile(full, bundle);
    await full.sql`update assets set notes = 'another' where right(id::text, 1) = '0'`;
  });

  test.each(damages)("%s", async (_, make) => {
    const path = await make();
    const { code, message, details } = await refusalOf(path);
    const states = await importStates(full.sql);
    for (const target of [empty, full]) {
      const before = await stateOf(target);
      const sequences = () => target.sql`select sequencename, last_value from pg_sequences order by 1`;
      const numbers = await sequences();
      const { tap, through, close } = await tapped(target);
      for (const attempt of [() => importFile(through, path, "merge"), () => preview(through, path, "merge")]) {
        const error = (await failureOf(attempt())) as BackupError;
        expect({ code: error.code, message: error.message, details: error.details }).toEqual({ code, message, details });
        await expectUntouched(target, before);
      }
      await close();
      expect(tap.statements.some((text) => copies.test(text))).toBe(true);
      expect(await sequences()).toEqual(numbers);
    }
    expect(await importStates(full.sql)).toEqual(states);
    expect(await empty.sql`select 1 from holdall_journal.imports`).toEqual([]);
  });

  test("in a table whose rows are not wanted as well", async () => {
    const path = await oneMore("vulnerabilities");
    const { message } = await refusalOf(path);
    const choices = { tables: ["organizations", "scopes"] };
    for (const attempt of [preview, importFile]) {
      const error = await failureOf(attempt(empty, path, "merge", { choices }));
      expect((error as BackupError).message).toBe(message);
    }
  });

  test("afterwards, the bundle itself enters", async () => {
    await importFile(empty, bundle);
    expect(await importStates(empty.sql)).toEqual(["committed"]);
  });
});

describe("a bundle that is in order", () => {
  const begin = /^insert into holdall_journal\.imports/;

  test.each(["zip", "ndjson"])("is read once (%s), and the import is recorded behind the last row", async (container) => {
    const target = await emptyInstance(db, folderStore(folder, container));
    await importFile(target, bundle);
    const { tap, through, close } = await tapped(target);
    const verified: object[] = [];
    const path = container === "zip" ? bundle : stream;
    await importFile(through, path, "merge", { onVerified: (found) => verified.push(found) });
    await close();
    const [recorded, lastCopy] = [
      tap.statements.findIndex((text) => begin.test(text)),
      tap.statements.findLastIndex((text) => copies.test(text)),
    ];
    expect(recorded).toBeGreaterThan(lastCopy);
    expect(tap.statements).not.toContain("discard temp");
    const { verification } = await withBundle(path, (opened) => verifyForImport(opened, easm));
    expect(verified).toEqual([verification]);
  });

  test("is verified before its rows go straight into tables", async () => {
    const target = await emptyInstance(db, folderStore(folder, "direct"));
    const { tap, through, close } = await tapped(target);
    await importFile(through, bundle);
    await close();
    const recorded = tap.statements.findIndex((text) => begin.test(text));
    const direct = tap.statements.findIndex((text) => /^copy (?!pg_temp).* from stdin$/.test(text));
    expect(recorded).toBeGreaterThan(0);
    expect(direct).toBeGreaterThan(recorded);
  });

  test("and says more than its manifest is verified before: its warnings are those of the plan", async () => {
    const strange = await described("assets", (text) => text.replace("{", '{"strange":1,'));
    const target = await emptyInstance(db, folderStore(folder, "strange"));
    const plan = await preview(target, strange);
    expect(plan.warnings).toContainEqual(expect.stringContaining("the column strange is not in the manifest"));
    const report = await importFile(target, strange);
    expect(report.plan.warnings).toEqual(plan.warnings);
  });
});
