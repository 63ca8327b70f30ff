import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { textOf } from "../../../engine/json/row.ts";
import { readCatalog } from "../../../server/database/catalog.ts";
import { checkScope } from "../../../server/scope/check-scope.ts";
import { vault } from "../../../server/scopes/vault/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { folderStore, type Instance, withBundle } from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import {
  contentOf,
  emptyVault,
  exportVault,
  previewVault,
  replaceVault,
  rowsOf,
  vaultInstance,
  vaultSize,
  vaultState,
} from "../../support/vault.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

let source: Instance;
let restored: Instance;
let withAttachments: string;
let withoutAttachments: string;

beforeAll(async () => {
  const home = await temporaryFolder();
  source = await vaultInstance(db, folderStore(home, "source"));
  withAttachments = await exportVault(source, join(home, "with.ndjson"), { container: "ndjson" });
  withoutAttachments = await exportVault(source, join(home, "without.ndjson"), {
    container: "ndjson",
    options: { include_attachments: false },
  });
  restored = await emptyVault(db, folderStore(home, "restored"));
  await replaceVault(restored, withAttachments);
});

/** Rows of a table in a bundle, as the bundle has them. */
async function bundleRows(path: string, table: string): Promise<Record<string, unknown>[]> {
  return withBundle(path, async (bundle) => {
    const rows: Record<string, unknown>[] = [];
    const decoder = new TextDecoder();
    await bundle.readRows(table, {
      row(bytes, { count, keyStart, keyEnd, valueStart, valueEnd }) {
        const pairs = Array.from({ length: count }, (_, i) => [
          textOf(bytes, keyStart[i]!, keyEnd[i]!),
          JSON.parse(decoder.decode(bytes.subarray(valueStart[i]!, valueEnd[i]!))),
        ]);
        rows.push(Object.fromEntries(pairs));
      },
    });
    return rows;
  });
}

/** The same columns of both installations, every row as PostgreSQL writes it. */
async function expectRestored(table: string): Promise<void> {
  const columns = vault.tables[table]!.columns.map((name) => `"${name}"`).join(", ");
  const rows = async ({ sql }: Instance) =>
    (await sql.unsafe(`select row(${columns})::text as row from ${table} order by ${columns}`)).map(({ row }) => row as string);
  const expected = await rows(source);
  expect(expected.length).toBeGreaterThan(0);
  expect(await rows(restored)).toEqual(expected);
}

describe("included data", () => {
  test("config: regular rows and the portable backup settings", async () => {
    const keys = (await bundleRows(withAttachments, "config")).map(({ key }) => key);
    const expected = ["audit.logs.settings.v1", "backup.settings.v1", "future.unknown.setting", "registered", "schema.version"];
    expect(keys).toEqual(expected);
    const regular = "key not like 'backup.%' and key <> ''";
    expect(await rowsOf(restored.sql, "config", regular)).toEqual(await rowsOf(source.sql, "config", regular));
  });

  test("users: hashes, keys, key derivation, role, status and second factor", () => expectRestored("users"));
  test("domain_settings: equivalent, custom and excluded domains", () => expectRestored("domain_settings"));
  test("user_revisions: the dates of each user's last change", () => expectRestored("user_revisions"));
  test("folders", () => expectRestored("folders"));
  test("webauthn_credentials: passkeys, which current versions carry", () => expectRestored("webauthn_credentials"));

  test("ciphers: bodies, archived and deleted states, and fields that nobody knows, byte for byte", async () => {
    await expectRestored("ciphers");
    const [unknown] = await restored.sql`select data from ciphers where data like '%futureField%' order by id limit 1`;
    expect(unknown!["data"]).toContain(
      String.raw`"futureField":{"n":9007199254740993,"f":1.50,"e":1E2,"s":"\u00fc\/","nested":[ null,{"a":1,"a":2} ]}`,
    );
    for (const state of ["archived_at", "deleted_at"])
      expect(await restored.sql.unsafe(`select 1 from ciphers where ${state} is not null`), state).not.toEqual([]);
  });

  test("attachments: their metadata", () => expectRestored("attachments"));

  test("attachment bodies: only when attachments are included", async () => {
    const names = async (path: string) => withBundle(path, async ({ manifest }) => manifest.files.map((file) => file.stored));
    expect(await names(withAttachments)).toEqual(Array(vaultSize.attachments).fill("bundle"));
    expect(await names(withoutAttachments)).toEqual([]);
    for (const { key } of await source.sql`select cipher_id || '/' || id as key from attachments`)
      expect(await contentOf(restored.store, key)).toBe(await contentOf(source.store, key));
  });
});

describe("excluded data", () => {
  const excluded: [table: string, trace: string][] = [
    ["refresh_tokens", "nw-refresh-"],
    ["trusted_two_factor_device_tokens", "nw-trusted-"],
    ["devices", "Firefox – B"],
    ["invites", "nw-invite-"],
    ["audit_logs", "cipher.create"],
    ["login_attempts_ip", "203.0.113.7"],
    ["used_attachment_download_tokens", "nw-download-"],
    ["sends", "nw-send-key-"],
  ];
  test.each(excluded)("%s", async (table, trace) => {
    expect((await source.sql.unsafe(`select 1 from ${table} t where t::text like '%${trace}%'`)).length).toBeGreaterThan(0);
    expect(await fileText(withAttachments)).not.toContain(trace);
    expect(vault.excludedTables[table]!.length).toBeGreaterThan(20);
    expect(await restored.sql.unsafe(`select 1 from ${table}`)).toEqual([]);
  });

  test("backup.runner.lock.v1", async () => {
    expect(await rowsOf(source.sql, "config", "key = 'backup.runner.lock.v1'")).toHaveLength(1);
    expect(await fileText(withAttachments)).not.toContain("backup.runner.lock.v1");
  });

  test("users.api_key", async () => {
    expect(await rowsOf(source.sql, "users", "api_key is not null")).not.toEqual([]);
    expect(await fileText(withAttachments)).not.toMatch(/nw-api-key-|"api_key"/);
    expect(await rowsOf(restored.sql, "users", "api_key is not null")).toEqual([]);
  });

  test("Send file bodies", async () => {
    const sends = Object.keys((await vaultState(source)).objects).filter((key) => key.startsWith("sends/"));
    expect(sends.length).toBeGreaterThan(0);
    const keys = await withBundle(withAttachments, async ({ manifest }) => manifest.files.map((file) => file.object_key));
    expect(keys.filter((key) => key.startsWith("sends/"))).toEqual([]);
    expect(Object.keys((await vaultState(restored)).objects).filter((key) => key.startsWith("sends/"))).toEqual([]);
  });
});

describe("special handling of config", () => {
  test("empty keys are skipped", async () => {
    expect(await rowsOf(source.sql, "config", "btrim(key) = ''")).toHaveLength(1);
    expect((await bundleRows(withAttachments, "config")).filter(({ key }) => key === "")).toEqual([]);
  });

  test("backup.settings.v1 leaves with its portable part alone, and the runtime part is emptied", async () => {
    const [own] = await source.sql`select value from config where key = 'backup.settings.v1'`;
    const settings = JSON.parse(own!["value"]);
    expect(settings.runtime.ciphertext).not.toBe("");
    const left = (await bundleRows(withAttachments, "config")).find(({ key }) => key === "backup.settings.v1")!;
    const portable = JSON.stringify(settings.portable);
    expect(left["value"]).toBe(`{"version":2,"portableOnly":true,"runtime":{"iv":"","ciphertext":""},"portable":${portable}}`);
    expect(await fileText(withAttachments)).not.toContain(settings.runtime.ciphertext);
  });

  test("what is portable already leaves as it is, and what has no portable part stays", async () => {
    const target = restored.sql;
    const [before] = await target`select value from config where key = 'backup.settings.v1'`;
    const again = await exportVault(restored, join(await temporaryFolder(), "again.zip"));
    const settings = async () => (await bundleRows(again, "config")).find(({ key }) => key === "backup.settings.v1");
    expect((await settings())!["value"]).toBe(before!["value"]);
    await target`update config set value = '{"version":2,"runtime":{"iv":"a","ciphertext":"b"}}' where key = 'backup.settings.v1'`;
    const none = await exportVault(restored, join(await temporaryFolder(), "none.zip"));
    expect((await bundleRows(none, "config")).map(({ key }) => key)).not.toContain("backup.settings.v1");
    await target`update config set value = ${before!["value"]} where key = 'backup.settings.v1'`;
  });
});

test("attachments off: the table is there, and it is the empty set", async () => {
  expect(await bundleRows(withoutAttachments, "attachments")).toEqual([]);
  await withBundle(withoutAttachments, async ({ manifest }) => expect(manifest.table_counts["attachments"]).toBe(0));
});

test("a round trip gives the same bundle", async () => {
  const second = await exportVault(restored, join(await temporaryFolder(), "second.ndjson"), { container: "ndjson" });
  expect(await fileText(second)).toBe(await fileText(withAttachments));
  const plan = await previewVault(restored, withAttachments);
  for (const { rows, outcomes } of plan.tables) expect(outcomes).toEqual(rows === 0 ? {} : { identical: rows });
});

describe("the code change checklist is enforced", () => {
  test("a new table or column fails the check, and every export, until it is classified", async () => {
    const { sql } = source;
    expect(checkScope(vault, await readCatalog(sql))).toEqual([]);
    await sql`create table collections (id text primary key)`;
    await sql`alter table ciphers add column organization_id text`;
    const kinds = checkScope(vault, await readCatalog(sql)).map(({ kind, table, column }) => [kind, table, column]);
    expect(kinds).toEqual([
      ["column_unclassified", "ciphers", "organization_id"],
      ["table_unclassified", "collections", undefined],
    ]);
    await expect(exportVault(source, join(await temporaryFolder(), "no.zip"))).rejects.toMatchObject({ code: "SCHEMA_SCOPE" });
    await sql`drop table collections`;
    await sql`alter table ciphers drop column organization_id`;
  });
});

async function fileText(path: string): Promise<string> {
  return (await readFile(path)).toString("latin1");
}
