import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import type { BlobStore } from "../../../server/blobs/blob-store.ts";
import { fileStore } from "../../../server/blobs/file-store.ts";
import { readCatalog } from "../../../server/database/catalog.ts";
import { copyRows as exportedRows } from "../../../server/export/copy-rows.ts";
import { rowsQuery } from "../../../server/export/table-query.ts";
import { checkScope } from "../../../server/scope/check-scope.ts";
import { resolveScope } from "../../../server/scope/resolve-scope.ts";
import { copyRows } from "../../../server/scopes/demo/copy-rows.ts";
import { type DemoOptions, fillDemo, fillEmpty, makeSchema } from "../../../server/scopes/easm/demo.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { plantSecrets } from "../../support/easm-secrets.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const databases = useDatabase();
const temporaryFolder = useTemporaryFolders();
const options = { assets: 2000, files: 40, orgs: 3, seed: 7, largeFileBytes: 700_001 };

interface Instance {
  sql: postgres.Sql;
  blobs: BlobStore;
  written: Record<string, number>;
}

async function demo(changes: Partial<DemoOptions> = {}): Promise<Instance> {
  const { sql } = await databases.create();
  const blobs = fileStore(await temporaryFolder());
  await makeSchema(sql);
  return { sql, blobs, written: await fillDemo(sql, blobs, { ...options, ...changes }) };
}

async function tableNames(sql: postgres.Sql): Promise<string[]> {
  return [...(await readCatalog(sql)).tables.keys()].sort();
}

/** SHA-256 of every table's rows as COPY gives them, in an order that does not depend on where they lie. */
async function tableDigests(sql: postgres.Sql): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const table of await tableNames(sql)) {
    const hash = createHash("sha256");
    for await (const chunk of await sql.unsafe(`COPY (SELECT * FROM ${table} ORDER BY 1, 2, 3) TO STDOUT`).readable())
      hash.update(chunk);
    digests[table] = hash.digest("hex");
  }
  return digests;
}

async function readBlob(blobs: BlobStore, key: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await blobs.open(key)).body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function blobDigests(blobs: BlobStore): Promise<string[]> {
  const digests: string[] = [];
  for await (const { key } of blobs.list()) {
    digests.push(
      `${key} ${createHash("sha256")
        .update(await readBlob(blobs, key))
        .digest("hex")}`,
    );
  }
  return digests.sort();
}

let instance: Instance;
beforeAll(async () => {
  instance = await demo();
});

describe("the easm scope", () => {
  it("includes or excludes every table and column of its schema", async () => {
    expect(checkScope(easm, await readCatalog(instance.sql))).toEqual([]);
  });

  it("names a column that the schema gains", async () => {
    const { sql } = await databases.create();
    await makeSchema(sql);
    await sql`ALTER TABLE assets ADD COLUMN owner_phone text`;
    expect(checkScope(easm, await readCatalog(sql))).toMatchObject([{ kind: "column_unclassified", column: "owner_phone" }]);
  });

  it("lets out settings that exist and are not secret", async () => {
    const { include } = easm.settings!;
    const rows = await instance.sql`SELECT key FROM app_settings WHERE key IN ${instance.sql(include)} AND NOT is_secret`;
    expect(rows.map((row) => row["key"]).sort()).toEqual([...include].sort());
  });

  it("lets no planted secret out of any table", async () => {
    const { sql } = await demo();
    const markers = await plantSecrets(sql);
    const { tables } = resolveScope(easm, await readCatalog(sql));
    const out: Uint8Array[] = [];
    for (const table of tables) for await (const block of exportedRows(sql, table).body) out.push(block.slice());
    const text = Buffer.concat(out).toString();
    expect(markers.filter((marker) => text.includes(marker))).toEqual([]);
    // The guard itself: unfiltered, every marker is found.
    const everything: string[] = [];
    for (const table of await tableNames(sql))
      everything.push(...(await sql.unsafe(`SELECT row_to_json(r)::text AS row FROM ${table} r`)).map((r) => r["row"]));
    const all = everything.join("\n");
    expect(markers.filter((marker) => !all.includes(marker)).filter((marker) => marker.startsWith("PLANTED"))).toEqual(
      // bytea shows its hex, which is a marker of its own.
      markers.filter((marker) => /refresh_tokens-token_hash/.test(marker)),
    );
  });

  it("lets no scan or job out that a scheduler or a watchdog would pick up", async () => {
    const { tables } = resolveScope(easm, await readCatalog(instance.sql));
    for (const table of tables.filter(({ key }) => key === "scans" || key === "scan_jobs")) {
      const [waiting] = await instance.sql.unsafe(
        `SELECT count(*)::int AS n FROM ${table.key} WHERE state IN ('queued', 'running')`,
      );
      expect(waiting!["n"]).toBeGreaterThan(0);
      const rows = await instance.sql.unsafe(
        `SELECT * FROM (${rowsQuery(table)}) r WHERE state IN ('queued', 'running') OR finished_at IS NULL`,
      );
      expect(rows).toHaveLength(0);
    }
  });

  it("keeps what a cleaned column holds besides", async () => {
    const { sql } = instance;
    const { tables } = resolveScope(easm, await readCatalog(sql));
    const scans = rowsQuery(tables.find(({ key }) => key === "scans")!);
    const [row] = await sql.unsafe(
      `SELECT r.config, scans.config AS whole FROM (${scans}) r JOIN scans USING (id) WHERE scans.config ? 'provider' LIMIT 1`,
    );
    const { provider, ...rest } = row!["whole"];
    expect(provider).toBeDefined();
    expect(row!["config"]).toEqual(rest);
  });
});

describe("demo data", () => {
  it("is the same for the same seed", async () => {
    const again = await demo();
    expect(await tableDigests(again.sql)).toEqual(await tableDigests(instance.sql));
    expect(await blobDigests(again.blobs)).toEqual(await blobDigests(instance.blobs));
  });

  it("differs for another seed", async () => {
    const other = await demo({ seed: 8 });
    const [theirs, ours] = [await tableDigests(other.sql), await tableDigests(instance.sql)];
    expect(Object.keys(ours).filter((table) => ours[table] === theirs[table])).toEqual(["job_locks", "schema_migrations"]);
  });

  it("has the rows it says it has", async () => {
    for (const table of await tableNames(instance.sql)) {
      const [row] = await instance.sql.unsafe(`SELECT count(*)::int AS n FROM ${table}`);
      expect([table, row!["n"]]).toEqual([table, instance.written[table]]);
      expect(row!["n"]).toBeGreaterThan(0);
    }
  });

  it("leaves the schema as it was made, with every foreign key valid", async () => {
    const { sql } = await databases.create();
    await makeSchema(sql);
    const constraints = (of: postgres.Sql) =>
      of`SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`;
    const indexes = (of: postgres.Sql) => of`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname`;
    expect([...(await constraints(instance.sql))]).toEqual([...(await constraints(sql))]);
    expect([...(await indexes(instance.sql))]).toEqual([...(await indexes(sql))]);
  });

  it("goes on numbering history after its own", async () => {
    const [row] = await instance.sql`
      INSERT INTO exposure_changes (organization_id, kind) SELECT id, 'changed' FROM organizations LIMIT 1
      RETURNING id = (SELECT max(id) + 1 FROM exposure_changes) AS follows, id`;
    await instance.sql`DELETE FROM exposure_changes WHERE id = ${row!["id"]}`;
    expect(row!["follows"]).toBe(true);
  });

  it("stores an object of the row's size and digest for every file", async () => {
    const rows = await instance.sql`SELECT object_key, size_bytes::int AS size, sha256, content_type FROM files`;
    expect(rows).toHaveLength(options.files + 1);
    for (const row of rows) {
      const body = await readBlob(instance.blobs, row["object_key"]);
      expect([body.length, createHash("sha256").update(body).digest("hex")]).toEqual([row["size"], row["sha256"]]);
      if (row["content_type"] === "image/png") expectPng(body);
      if (row["content_type"] === "application/pdf") expectPdf(body.toString("latin1"));
      if (row["content_type"] === "application/json") expect(Array.isArray(JSON.parse(body.toString("utf8")))).toBe(true);
    }
    expect(rows.some((row) => row["size"] === 0)).toBe(true);
    expect(rows.some((row) => row["size"] === options.largeFileBytes)).toBe(true);
  });

  it("holds values that are easily bent on the way", async () => {
    const [found] = await instance.sql`SELECT
      (SELECT count(*)::int FROM assets WHERE bytes_seen = 9007199254740993) AS big,
      (SELECT count(*)::int FROM assets WHERE array_position(tags, NULL) IS NOT NULL) AS null_items,
      (SELECT count(*)::int FROM vulnerabilities WHERE snoozed_until = 'infinity') AS infinite,
      (SELECT count(*)::int FROM vulnerabilities WHERE epss = 'NaN') AS nan,
      (SELECT count(*)::int FROM vulnerabilities WHERE cvss::text = '10.00') AS scale,
      (SELECT count(*)::int FROM files WHERE char_length(original_name) > 200) AS long_names,
      (SELECT count(*)::int FROM reports WHERE file_id IS NOT NULL) AS documents`;
    for (const [what, count] of Object.entries(found!))
      expect([what, count]).toEqual([what, expect.toSatisfy((n: number) => n > 0)]);
  });

  it.each([
    { assets: 0, files: 0, orgs: 1 },
    { assets: 5, files: 3, orgs: 4 },
    { assets: 100, files: 10, orgs: 23 },
  ])("can be as small as $assets assets, $files files and $orgs organizations", async (sizes) => {
    const { written } = await demo(sizes);
    expect(written).toMatchObject({ assets: sizes.assets, organizations: sizes.orgs });
  });

  it("says so when rows do not fit, whenever PostgreSQL finds out", async () => {
    const nobody = "00000000-0000-4000-8000-000000000000";
    const row = { organization_id: nobody, user_id: nobody };
    await expect(copyRows(instance.sql, "organization_members", [row])).rejects.toThrow(/foreign key/);
    await expect(copyRows(instance.sql, "job_locks", [{ name: "x", holder: null }])).rejects.toThrow(/null value/);
    expect(await instance.sql`SELECT 1 AS alive`).toMatchObject([{ alive: 1 }]);
  });
});

describe("an empty installation", () => {
  it("has one admin, of its own, and default settings", async () => {
    const { sql } = await databases.create();
    await makeSchema(sql);
    await fillEmpty(sql, { adminEmail: "boss@target.example" });
    const filled: string[] = [];
    for (const table of await tableNames(sql)) {
      const [row] = await sql.unsafe(`SELECT count(*)::int AS n FROM ${table}`);
      if (row!["n"] > 0) filled.push(table);
    }
    expect(filled).toEqual(["app_settings", "users"]);
    const admins = await sql`SELECT id, email FROM users WHERE is_admin AND is_active`;
    expect(admins).toMatchObject([{ email: "boss@target.example" }]);
    expect(await instance.sql`SELECT 1 FROM users WHERE id = ${admins[0]!["id"]}`).toHaveLength(0);
  });
});

function expectPng(body: Buffer): void {
  expect(body.subarray(1, 4).toString()).toBe("PNG");
  const [width, height] = [body.readUInt32BE(16), body.readUInt32BE(20)];
  const data = body.indexOf("IDAT");
  const pixels = inflateSync(body.subarray(data + 4, data + 4 + body.readUInt32BE(data - 4)));
  expect(pixels.length).toBe((width + 1) * height);
}

function expectPdf(text: string): void {
  const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)![1]);
  expect(text.slice(start, start + 5)).toBe("xref\n");
  const offsets = [...text.slice(start).matchAll(/^(\d{10}) 00000 n $/gm)].map((match) => Number(match[1]));
  for (const [index, offset] of offsets.entries()) expect(text.slice(offset).startsWith(`${index + 1} 0 obj\n`)).toBe(true);
}
