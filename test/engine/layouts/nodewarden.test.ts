import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ByteSource, bytesSource } from "../../../engine/byte-source.ts";
import { concat } from "../../../engine/bytes.ts";
import { BackupError } from "../../../engine/errors.ts";
import type { FilePool } from "../../../engine/file-pool.ts";
import { RowFields, scanRow } from "../../../engine/json/row.ts";
import { layoutNamed } from "../../../engine/layouts/index.ts";
import { checkDb } from "../../../engine/layouts/nodewarden/check-db.ts";
import { overLimits } from "../../../engine/layouts/nodewarden/restore-limits.ts";
import { SqliteRow } from "../../../engine/layouts/nodewarden/sqlite-row.ts";
import { type Bundle, type OpenBundleOptions, openBundle } from "../../../engine/read-bundle.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { type Archive, archiveBytes, archiveName, sampleArchive } from "../../support/nodewarden.ts";
import { refusalOf } from "../../support/nodewarden-restore.ts";

const codec = nodeCodec;

async function rowsOf(bundle: Bundle, table: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  const row = (bytes: Uint8Array, _fields: unknown, _place: unknown, start: number, end: number) =>
    rows.push(JSON.parse(new TextDecoder().decode(bytes.subarray(start, end))));
  await bundle.readRows(table, { row });
  return rows;
}

async function contentOf(bundle: Bundle, path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of bundle.open(path)) parts.push(part.slice());
  return concat([new Uint8Array(0), ...parts]);
}

/** The codes and messages of the errors, wherever they are found. */
async function refusal(bytes: Uint8Array, options: Partial<OpenBundleOptions> = {}): Promise<[string, string][]> {
  try {
    const bundle = await openBundle(bytesSource(bytes), { codec, ...options });
    const { issues } = await verifyBundle(bundle, { codec });
    return issues.filter(({ severity }) => severity === "error").map(({ code, message }) => [code, message]);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return [[error.code, error.message]];
  }
}

async function written(bundle: Bundle, layout: string, container: "zip" | "ndjson" = "zip") {
  const { body, warnings, fileName } = await layoutNamed(layout)!.write(bundle, { container, codec });
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part.slice());
  const bytes = concat(parts);
  return { bytes, warnings, name: fileName(await codec.sha256(bytes)) };
}

const forms = {
  "as NodeWarden writes it": {},
  "deflated and minified": { level: 6, indent: 0 },
} as const;

describe.each(Object.entries(forms))("an archive %s", (_, form) => {
  for (const records of ["at-once", "when-read"] as const) {
    test(`holds the rows and the files that it holds (records ${records})`, async () => {
      const archive = sampleArchive();
      const bundle = await openBundle(bytesSource(archiveBytes(archive, form)), { codec, records });
      expect(bundle.layout).toBe("nodewarden");
      for (const [table, rows] of Object.entries(archive.db)) expect(await rowsOf(bundle, table)).toEqual(rows);
      expect(bundle.manifest.files.map(({ object_key }) => object_key)).toEqual([...archive.blobs.keys()]);
      for (const { path, object_key } of bundle.manifest.files)
        expect(await contentOf(bundle, path!)).toEqual(archive.blobs.get(object_key));
      const { valid, issues, rows } = await verifyBundle(bundle, { codec });
      expect({ valid, issues }).toEqual({ valid: true, issues: [] });
      expect(rows).toEqual(archive.manifest["tableCounts"]);
    });
  }

  test("comes in pieces of any size", async () => {
    const archive = sampleArchive();
    const whole = bytesSource(archiveBytes(archive, form));
    const bundle = await openBundle(whole, { codec: inPieces(1) });
    expect(await rowsOf(bundle, "ciphers")).toEqual(archive.db["ciphers"]);
  });
});

/** A codec whose inflater gives single bytes. */
function inPieces(length: number): typeof codec {
  return {
    ...codec,
    createInflate: (signal) => {
      const inner = codec.createInflate(signal);
      return {
        get bytesUsed() {
          return inner.bytesUsed;
        },
        async *inflate(input) {
          for await (const chunk of inner.inflate(input))
            for (let at = 0; at < chunk.length; at += length) yield chunk.slice(at, at + length);
        },
      };
    },
  };
}

type Change = (archive: Archive) => void;
const row = (archive: Archive, table: string, number = 0) => archive.db[table]![number]!;

/** What NodeWarden's restore refuses, and what it should. */
const refused: [string, Change, string, RegExp][] = [
  ["a format version as a text", ({ manifest }) => (manifest["formatVersion"] = "1"), "SCHEMA_VERSION", /"1"/],
  ["a newer format version", ({ manifest }) => (manifest["formatVersion"] = 2), "SCHEMA_VERSION", /version 2/],
  ["no format version", ({ manifest }) => delete manifest["formatVersion"], "SCHEMA_VERSION", /none/],
  ["a manifest without its time", ({ manifest }) => delete manifest["exportedAt"], "SCHEMA_MANIFEST", /exportedAt/],
  ["a missing table", ({ db }) => delete db["folders"], "SCHEMA_TABLE", /folders is missing/],
  ["a table that is no array", ({ db }) => Object.assign(db, { users: {} }), "SCHEMA_TABLE", /users is no array/],
  ["an optional table that is no array", ({ db }) => Object.assign(db, { domain_settings: "[]" }), "SCHEMA_TABLE", /no array/],
  [
    "another number of rows",
    ({ manifest }) => Object.assign(manifest["tableCounts"]!, { ciphers: 4 }),
    "INTEGRITY_COUNT",
    /5 rows/,
  ],
  ["a cipher twice", ({ db }) => db["ciphers"]!.splice(4, 1, db["ciphers"]![0]!), "SCHEMA_ROW", /ciphers, row 5: id .* twice/],
  [
    "an e-mail address twice",
    (a) => (row(a, "users", 1)["email"] = "user1@vault.example"),
    "SCHEMA_ROW",
    /row 2: email .* twice/,
  ],
  ["a config key twice", (a) => (row(a, "config", 2)["key"] = "backup.settings.v1"), "SCHEMA_ROW", /key .* twice/],
  [
    "a passkey's credential twice",
    ({ db, manifest }) => {
      db["webauthn_credentials"]!.push({ ...db["webauthn_credentials"]![0], id: "other" });
      Object.assign(manifest["tableCounts"]!, { webauthn_credentials: 2 });
    },
    "SCHEMA_ROW",
    /credential_id .* twice/,
  ],
  [
    "an unknown user",
    (a) => (row(a, "folders")["user_id"] = "nobody"),
    "SCHEMA_ROW",
    /user_id names nobody, and the table users/,
  ],
  ["an unknown folder", (a) => (row(a, "ciphers", 1)["folder_id"] = "nowhere"), "SCHEMA_ROW", /folder_id names nowhere/],
  ["an unknown cipher", (a) => (row(a, "attachments")["cipher_id"] = "nothing"), "INTEGRITY_MISSING", /attachments\/nothing/],
  ["NULL where the column forbids it", (a) => (row(a, "users")["key"] = null), "SCHEMA_ROW", /users, row 1: key is null/],
  ["an empty id", (a) => (row(a, "folders")["id"] = ""), "SCHEMA_ROW", /folders, row 1: id is empty/],
  ["data as an object", (a) => (row(a, "ciphers")["data"] = { login: null }), "SCHEMA_ROW", /data is an object/],
  ["an id that leads out of its folder", (a) => (row(a, "attachments")["id"] = "../x"), "SCHEMA_ROW", /cannot stand in a path/],
  [
    "another size than the manifest says",
    ({ blobs }) => blobs.set([...blobs.keys()][1]!, new Uint8Array(5)),
    "INTEGRITY_SIZE",
    /5 bytes/,
  ],
];

describe("refused", () => {
  test.each(refused)("%s", async (_, change, code, message) => {
    const archive = sampleArchive();
    change(archive);
    expect(await refusal(archiveBytes(archive))).toContainEqual([code, expect.stringMatching(message)]);
  });

  const blob = [...sampleArchive().blobs.keys()][1]!;
  test.each([
    ["an entry besides", { "notes.txt": new Uint8Array(1) }, "INTEGRITY_UNLISTED", /notes.txt has no place/],
    ["a folder entry", { "attachments/": new Uint8Array(0) }, "INTEGRITY_UNLISTED", /no place/],
    ["an attachment of no row", { "attachments/a/b.bin": new Uint8Array(1) }, "INTEGRITY_UNLISTED", /belongs to no row/],
    ["an attachment without its ending", { "attachments/a/b": new Uint8Array(1) }, "INTEGRITY_UNLISTED", /no place/],
    ["a missing attachment", { [`attachments/${blob}.bin`]: null }, "INTEGRITY_MISSING", /the row .* has no file/],
    ["no manifest", { "manifest.json": null }, "INTEGRITY_MISSING", /manifest.json is missing/],
  ])("%s", async (_, entries, code, message) => {
    expect(await refusal(archiveBytes(sampleArchive(), { entries }))).toContainEqual([code, expect.stringMatching(message)]);
  });

  test.each([
    ["a table twice", '{"users":[],"users":[]}', "SCHEMA_TABLE", /users twice/],
    ["a list", "[]", "SCHEMA_TABLE", /begin with \{/],
    ["a row that is no object", '{"config":[1]}', "SCHEMA_ROW", /config, row 1/],
    ["text cut short", '{"config":[{"key":"a"', "SCHEMA_ROW", /ends too early/],
    ["text behind it", `${JSON.stringify(sampleArchive().db)} {}`, "SCHEMA_TABLE", /text follows/],
  ])("db.json as %s", async (_, dbText, code, message) => {
    expect(await refusal(archiveBytes(sampleArchive(), { dbText }))).toContainEqual([code, expect.stringMatching(message)]);
  });

  test("every changed byte of an attachment and of db.json's values, by the CRC that NodeWarden ignores", async () => {
    const bytes = archiveBytes(sampleArchive());
    const changed = bytes.slice();
    const at = Buffer.from(changed).indexOf("attachment text");
    changed[at]! ^= 1;
    expect(await refusal(changed)).toContainEqual(["INTEGRITY_CRC", expect.stringContaining("attachments/")]);
  });
});

describe("accepted as there", () => {
  test("extra tables, columns and manifest fields, booleans, another order, no optional table", async () => {
    const archive = sampleArchive();
    archive.manifest["future"] = { deep: [1] };
    archive.db["trusted_two_factor_device_tokens"] = [{ token: "sha256:00", user_id: "gone", expires_at: 1 }];
    Object.assign(archive.db, { note: "no table", version: 12 });
    // What every object has by nature is no table either.
    Object.assign(archive.db, { constructor: [{ id: "a" }], valueOf: [{ id: "a" }, { id: "a" }] });
    row(archive, "ciphers")["organization_id"] = null;
    row(archive, "ciphers")["favorite"] = true;
    Object.assign(archive.db, { webauthn_credentials: null });
    delete (archive.manifest["tableCounts"] as Record<string, unknown>)["webauthn_credentials"];
    delete archive.db["domain_settings"];
    delete (archive.manifest["tableCounts"] as Record<string, unknown>)["domain_settings"];
    const reversed = { ...archive, db: Object.fromEntries(Object.entries(archive.db).reverse()) };
    const bundle = await openBundle(bytesSource(archiveBytes(reversed)), { codec });
    expect((await verifyBundle(bundle, { codec })).issues).toEqual([]);
    expect(await rowsOf(bundle, "trusted_two_factor_device_tokens")).toHaveLength(1);
    expect(bundle.manifest.tables.find(({ name }) => name === "ciphers")!.columns).toContain("organization_id");
  });
});

describe("the hash in the file's name", () => {
  const bytes = archiveBytes(sampleArchive());
  const wrong = "nodewarden_backup_20260301_120059_00000.zip";

  test("is held against the file's", async () => {
    expect(await refusal(bytes, { name: await archiveName(bytes) })).toEqual([]);
    expect(await refusal(bytes, { name: "renamed.zip" })).toEqual([]);
    expect(await refusal(bytes, { name: wrong })).toEqual([["INTEGRITY_HASH", expect.stringContaining("begins with 00000")]]);
  });

  test("needs an explicit yes where it differs, which stays on record", async () => {
    const bundle = await openBundle(bytesSource(bytes), { codec, name: wrong, acceptNameMismatch: true });
    const { valid, issues } = await verifyBundle(bundle, { codec });
    expect(valid).toBe(true);
    expect(issues).toEqual([
      expect.objectContaining({ severity: "warning", message: expect.stringContaining("accepted as asked") }),
    ]);
  });
});

describe("attachments beside the archive", () => {
  const archive = sampleArchive();
  const bytes = archiveBytes(archive, { byReference: true });
  const index = (sizes: Record<string, number>) =>
    JSON.stringify({ version: 1, blobs: Object.fromEntries(Object.entries(sizes).map(([k, sizeBytes]) => [k, { sizeBytes }])) });
  const sizes = Object.fromEntries([...archive.blobs].map(([name, { length }]) => [name, length]));

  async function found(beside: Record<string, Uint8Array | string>) {
    const bundle = await openBundle(bytesSource(bytes), { codec });
    const { issues } = await verifyBundle(bundle, { codec, pool: poolOf(beside) });
    return issues.map(({ severity, code }) => [severity, code]);
  }
  const files = Object.fromEntries([...archive.blobs].map(([name, content]) => [`attachments/${name}`, content]));
  const indexName = "attachments/.nodewarden-attachment-index.v1.json";

  test("are read and held against the manifest and the index", async () => {
    expect(await found({ ...files, [indexName]: index(sizes) })).toEqual([]);
    expect(await found(files)).toEqual([]);
    const [first, second] = [...archive.blobs.keys()];
    const { [`attachments/${second}`]: _, ...fewer } = files;
    expect(await found(fewer)).toEqual([["error", "INTEGRITY_MISSING"]]);
    expect(await found({ ...files, [`attachments/${second}`]: "short" })).toEqual([["error", "INTEGRITY_SIZE"]]);
    const { [first!]: __, ...listed } = { ...sizes, [second!]: 1 };
    expect(await found({ ...files, [indexName]: index(listed) })).toEqual([
      ["warning", "INTEGRITY_UNLISTED"],
      ["warning", "INTEGRITY_SIZE"],
    ]);
    expect(await found({ ...files, [indexName]: "{}" })).toEqual([["warning", "SCHEMA_MANIFEST"]]);
  });
});

function poolOf(files: Record<string, Uint8Array | string>): FilePool {
  const content = (name: string) => {
    const found = files[name];
    return typeof found === "string" ? new TextEncoder().encode(found) : found;
  };
  return {
    description: "a pool",
    stat: async (name) => (content(name) === undefined ? null : { size: content(name)!.length }),
    async open(name) {
      const bytes = content(name);
      if (bytes === undefined) throw new BackupError("IO_STORE_MISSING", `${name} is missing`);
      return { size: bytes.length, body: oneChunk(bytes) };
    },
  };
}

test("the archive of the vectors is read as it always was", async () => {
  const name = "nodewarden_backup_20260301_120059_f1201.zip";
  const bytes = new Uint8Array(readFileSync(new URL(`../../vectors/nodewarden/${name}`, import.meta.url)));
  const bundle = await openBundle(bytesSource(bytes), { codec, name });
  expect((await verifyBundle(bundle, { codec })).issues).toEqual([]);
  const { db, blobs } = sampleArchive();
  for (const [table, rows] of Object.entries(db)) expect(await rowsOf(bundle, table)).toEqual(rows);
  for (const { path, object_key } of bundle.manifest.files) expect(await contentOf(bundle, path!)).toEqual(blobs.get(object_key));
});

describe("written", () => {
  test("an archive is restored by NodeWarden, and holds the same", async () => {
    const archive = sampleArchive();
    const bundle = await openBundle(bytesSource(archiveBytes(archive)), { codec });
    const { bytes, name, warnings } = await written(bundle, "nodewarden");
    expect(warnings).toEqual([]);
    expect(name).toMatch(/^nodewarden_backup_20260301_120059_[0-9a-f]{5}\.zip$/);
    expect(refusalOf(bytes, name)).toBeUndefined();
    const again = await openBundle(bytesSource(bytes), { codec });
    for (const [table, rows] of Object.entries(archive.db)) expect(await rowsOf(again, table)).toEqual(rows);
  });

  test.each(["zip", "ndjson"] as const)("a bundle goes through %s and back", async (container) => {
    const archive = sampleArchive();
    const bundle = await openBundle(bytesSource(archiveBytes(archive)), { codec });
    const own = await openBundle(bytesSource((await written(bundle, "holdall", container)).bytes), { codec });
    expect(own.layout).toBe("holdall");
    expect((await verifyBundle(own, { codec })).issues).toEqual([]);
    const { bytes, name } = await written(own, "nodewarden");
    expect(refusalOf(bytes, name)).toBeUndefined();
    const again = await openBundle(bytesSource(bytes), { codec });
    for (const [table, rows] of Object.entries(archive.db)) expect(await rowsOf(again, table)).toEqual(rows);
    for (const { path, object_key } of again.manifest.files)
      expect(await contentOf(again, path!)).toEqual(archive.blobs.get(object_key));
  });

  test("an extra table with nested values is one row a line in a bundle, and has no place in an archive", async () => {
    const archive = sampleArchive({ attachments: false });
    archive.db["future"] = [
      { id: 1, deep: { list: [1, { text: "a\nb" }] } },
      { id: 2, deep: [] },
    ];
    const bundle = await openBundle(bytesSource(archiveBytes(archive)), { codec });
    for (const container of ["zip", "ndjson"] as const) {
      const own = await openBundle(bytesSource((await written(bundle, "holdall", container)).bytes), { codec });
      expect((await verifyBundle(own, { codec })).issues).toEqual([]);
      expect(await rowsOf(own, "future")).toEqual(archive.db["future"]);
    }
    const { bytes, name, warnings } = await written(bundle, "nodewarden");
    expect(warnings).toEqual([expect.stringContaining("the table future has no place")]);
    expect(refusalOf(bytes, name)).toBeUndefined();
  });

  test("attachments that are nowhere are left out with a warning, since NodeWarden refuses rows without files", async () => {
    const bundle = await openBundle(bytesSource(archiveBytes(sampleArchive(), { byReference: true })), { codec });
    const { bytes, name, warnings } = await written(bundle, "nodewarden");
    expect(warnings).toEqual([expect.stringContaining("3 attachments were left out")]);
    expect(refusalOf(bytes, name)).toBeUndefined();
  });

  test("a Holdall bundle carries what lies beside the archive, and refers to nothing that its reader could not find", async () => {
    const archive = sampleArchive();
    const bundle = await openBundle(bytesSource(archiveBytes(archive, { byReference: true })), { codec });
    const own = async (options: { pool?: FilePool }) => {
      const { body, warnings } = await layoutNamed("holdall")!.write(bundle, { container: "zip", codec, ...options });
      const parts: Uint8Array[] = [];
      for await (const part of body) parts.push(part.slice());
      const opened = await openBundle(bytesSource(concat(parts)), { codec });
      expect((await verifyBundle(opened, { codec })).issues).toEqual([]);
      return { stored: opened.manifest.files.map(({ stored, reference }) => [stored, reference]), warnings };
    };
    const beside = Object.fromEntries([...archive.blobs].map(([name, content]) => [`attachments/${name}`, content]));
    expect(await own({ pool: poolOf(beside) })).toEqual({ stored: Array(3).fill(["bundle", undefined]), warnings: [] });
    const without = await own({});
    expect(without.stored).toEqual(Array(3).fill(["external", undefined]));
    expect(without.warnings).toHaveLength(3);
  });

  test("what NodeWarden will not restore for its size is said, and nothing up to there", () => {
    const most = { manifest: 1, db: 32 * 1024 ** 2, files: 32 * 1024 ** 2 - 1, entries: 10_000 };
    expect(overLimits(most)).toEqual([]);
    expect(overLimits({ ...most, db: most.db + 1, files: 0 })).toEqual([expect.stringMatching(/db.json has 33554433 bytes/)]);
    expect(overLimits({ ...most, files: most.files + 1 })).toEqual([expect.stringMatching(/unpacks to 67108865 bytes/)]);
    expect(overLimits({ ...most, entries: 10_001 })).toEqual([expect.stringMatching(/has 10001 entries/)]);
  });

  test("the warning comes before the first byte", async () => {
    const bundle = await openBundle(bytesSource(archiveBytes(sampleArchive())), { codec });
    const entry = (path: string) => {
      const found = bundle.entry(path);
      return found && path.startsWith("files/") ? { ...found, size: 30 * 1024 ** 2 } : found;
    };
    const { warnings } = await layoutNamed("nodewarden")!.write({ ...bundle, entry }, { container: "zip", codec });
    expect(warnings).toEqual([expect.stringMatching(/will not restore this archive: it unpacks to \d+ bytes/)]);
  });

  test("a db.json that is streamed has no ZIP64 in its local header either, because its size is known beforehand", async () => {
    const archive = sampleArchive({ attachments: false });
    archive.db["config"]!.push({ key: "large", value: "x".repeat(3 * 1024 ** 2) });
    Object.assign(archive.manifest["tableCounts"]!, { config: 4 });
    const bundle = await openBundle(bytesSource(archiveBytes(archive)), { codec });
    const { bytes, name } = await written(bundle, "nodewarden");
    expect(refusalOf(bytes, name)).toBeUndefined();
    const header = Buffer.from(bytes).indexOf("db.json") - 30;
    const view = new DataView(bytes.buffer, bytes.byteOffset + header);
    // +4 version needed, +28 length of the extra fields
    expect([view.getUint32(0, true), view.getUint16(4, true), view.getUint16(28, true)]).toEqual([0x04034b50, 20, 0]);
  });

  test("what NodeWarden would refuse is refused before anything is written", async () => {
    const archive = sampleArchive();
    row(archive, "ciphers", 1)["folder_id"] = "nowhere";
    const bundle = await openBundle(bytesSource(archiveBytes(archive)), { codec });
    const writing = layoutNamed("nodewarden")!.write(bundle, { container: "zip", codec });
    await expect(writing).rejects.toMatchObject({ code: "SCHEMA_ROW", message: expect.stringContaining("would refuse this") });
    await expect(written(bundle, "nodewarden", "ndjson")).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("a bundle of another application is refused", async () => {
    const bytes = readFileSync(new URL("../../vectors/bundles/easm-1-format-1.zip", import.meta.url));
    const bundle = await openBundle(bytesSource(new Uint8Array(bytes)), { codec });
    await expect(written(bundle, "nodewarden")).rejects.toMatchObject({ code: "SCHEMA_SCOPE" });
  });
});

test("values are written as SQLite has them", () => {
  const sqlite = new SqliteRow();
  const fields = new RowFields();
  const converted = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    scanRow(bytes, 0, bytes.length, fields);
    return new TextDecoder().decode(sqlite.of(bytes, fields));
  };
  const long = "x".repeat(100_000);
  const cases = {
    '{ "favorite" : true, "reprompt":false, "key":null }': '{"favorite":1,"reprompt":0,"key":null}',
    '{"created_at":"2026-03-01T12:00:00+00:00"}': '{"created_at":"2026-03-01T12:00:00.000Z"}',
    '{"revision_date":"2026-03-01T12:00:00.123456+00:00"}': '{"revision_date":"2026-03-01T12:00:00.123Z"}',
    '{"deleted_at":"2026-03-01T12:00:00.1Z","name":"2026-03-01T12:00:00Z"}':
      '{"deleted_at":"2026-03-01T12:00:00.100Z","name":"2026-03-01T12:00:00Z"}',
    '{"updated_at":"2026-03-01T12:00:00.123Z","archived_at":"yesterday"}':
      '{"updated_at":"2026-03-01T12:00:00.123Z","archived_at":"yesterday"}',
    '{"data":{"n":12345678901234567890.10},"list":[1]}': String.raw`{"data":"{\"n\":12345678901234567890.10}","list":"[1]"}`,
    [String.raw`{"data":{"$json":" {\"a\":1} "}}`]: String.raw`{"data":" {\"a\":1} "}`,
    '{"size":9007199254740993,"text":"true"}': '{"size":9007199254740993,"text":"true"}',
    [`{"text":"${long}"}`]: `{"text":"${long}"}`,
    "{}": "{}",
  };
  for (const [row, expected] of Object.entries(cases)) expect(converted(row)).toBe(expected);
});

test("ids are found twice and references missed in as many passes as memory allows", async () => {
  const archive = sampleArchive();
  row(archive, "ciphers", 3)["id"] = row(archive, "ciphers", 0)["id"];
  row(archive, "ciphers", 2)["folder_id"] = "nowhere";
  const text = new TextEncoder().encode(JSON.stringify(archive.db));
  const rows = { users: 10, ciphers: 10, folders: 10 };
  const find = async (idsAtOnce: number) => {
    const issues = await checkDb(() => oneChunk(text), { rows, rowBytes: 1e6, idsAtOnce });
    return issues.map(({ message }) => message).sort();
  };
  const found = await find(1000);
  expect(found).toHaveLength(3);
  for (const idsAtOnce of [1, 2, 7, 29]) expect(await find(idsAtOnce)).toEqual(found);
});

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test("what is read of a large db.json is given back, and nobody looks at it any more", async () => {
  const archive = sampleArchive();
  const rows = archive.db["ciphers"]!;
  const large = Array.from({ length: 4000 }, (_, i) => ({ ...rows[0], id: `large-${i}`, notes: "n".repeat(2000) }));
  rows.push(...large);
  archive.manifest["tableCounts"] = { ...(archive.manifest["tableCounts"] as object), ciphers: rows.length };
  const { source, lent } = lending(archiveBytes(archive));
  const bundle = await openBundle(source, {
    codec,
    name: "nodewarden_backup_20260301_120000_00000.zip",
    acceptNameMismatch: true,
  });
  expect((await verifyBundle(bundle, { codec })).valid).toBe(true);
  expect(await rowsOf(bundle, "ciphers")).toEqual(rows);
  for (const layout of ["holdall", "nodewarden"]) {
    const again = await openBundle(bytesSource((await written(bundle, layout)).bytes), { codec });
    expect(await rowsOf(again, "ciphers")).toHaveLength(rows.length);
  }
  expect(lent.read).toBeGreaterThan(7 * source.size);
  expect(lent.read - lent.back).toBeLessThan(source.size / 2);
});

/** A source that spoils what is given back, and counts the bytes that were read and not. */
function lending(bytes: Uint8Array): { source: ByteSource; lent: { read: number; back: number } } {
  const lent = { read: 0, back: 0 };
  const { size, read } = bytesSource(bytes);
  const source: ByteSource = {
    size,
    async read(...range) {
      const piece = await read.apply(source, range);
      lent.read += piece.length;
      return piece;
    },
    release(piece) {
      lent.back += piece.length;
      piece.fill(0xff);
    },
  };
  return { source, lent };
}
