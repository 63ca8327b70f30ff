import { beforeAll, describe, expect, test } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { BackupError } from "../../../engine/errors.ts";
import type { ExportEstimate, PreviewAnswer, ScopeDescription, TenantList } from "../../../engine/http-types.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import type { Problem } from "../../../server/http/problem.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import {
  appOf,
  bearer,
  expectNoUploads,
  formOf,
  holdRows,
  type TestInstallation,
  until,
  useInstallations,
  waitingBackend,
  withHeldRows,
} from "./installation.ts";

const installations = useInstallations();
let full: TestInstallation;
let empty: TestInstallation;

beforeAll(async () => {
  full = await installations.demo();
  empty = await installations.empty();
});

const json = { ...bearer, "Content-Type": "application/json" };
const exportOf = (options: object, headers: Record<string, string> = {}) =>
  appOf(full).request("/export", { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(options) });

async function bundleOf(response: Response) {
  expect(response.status).toBe(200);
  return openBundle(bytesSource(new Uint8Array(await response.arrayBuffer())), { codec: nodeCodec });
}

test("an export of one organization holds that one, and says so", async () => {
  const [{ id, slug }] = (await full.db.sql`select id, slug from organizations order by id`) as unknown as [
    { id: string; slug: string },
  ];
  const { manifest } = await bundleOf(await exportOf({ tenants: [slug], include_files: false }));
  expect(manifest.table_counts["organizations"]).toBe(1);
  expect(manifest.tenants).toEqual({ table: "organizations", ids: [id] });
  for (const tenants of ["acme", [], [1], ["no such slug"]]) expect((await exportOf({ tenants })).status).toBe(400);
});

describe("whoever is no admin", () => {
  test.each([
    ["POST", "/export"],
    ["POST", "/import/preview"],
    ["POST", "/import"],
    ["GET", "/import/plan/0123"],
    ["GET", "/import/plan/0123/assets"],
    ["GET", "/scope"],
    ["GET", "/tenants"],
    ["GET", "/openapi.json"],
    ["GET", "/nothing"],
    ["GET", "/"],
  ])("%s %s answers 401 and tells nothing", async (method, path) => {
    const response = await appOf(full).request(path, { method });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const body = await response.text();
    expect(JSON.parse(body)).toMatchObject({ code: "AUTH_REQUIRED", status: 401 });
    expect(body).not.toMatch(/easm|postgres|organizations|test_/i);
  });

  test("a refusal of the host application answers 403", async () => {
    const authorize = () => {
      throw new BackupError("AUTH_FORBIDDEN", "not for you");
    };
    const response = await appOf(full, { authorize }).request("/scope");
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "AUTH_FORBIDDEN" });
  });
});

describe("POST /export", () => {
  test("gives a zip with a dated name where nothing is asked for", async () => {
    const response = await appOf(full).request("/export", { method: "POST", headers: bearer });
    expect(response.headers.get("content-type")).toBe("application/zip");
    expect(response.headers.get("content-disposition")).toMatch(/^attachment; filename="easm-backup-\d{8}-\d{6}Z\.zip"$/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const { container, manifest } = await bundleOf(response);
    expect(container.kind).toBe("zip");
    expect(manifest.table_counts).toMatchObject({ assets: 200, files: 10 });
    expect(manifest.options).toEqual({
      include_files: true,
      include_users: false,
      include_scan_history: true,
      include_settings: true,
    });
  });

  test("gives ndjson where it is asked for, and takes the scope's options", async () => {
    const response = await exportOf({ include_files: false, include_users: true }, { Accept: "application/x-ndjson" });
    expect(response.headers.get("content-disposition")).toMatch(/\.ndjson"$/);
    const { container, manifest } = await bundleOf(response);
    expect(container.kind).toBe("ndjson");
    expect(manifest.options).toMatchObject({ include_files: false, include_users: true });
    expect(manifest.files.every((file) => file.stored === "external")).toBe(true);
  });

  test("include_secrets is a warning and changes nothing", async () => {
    const { manifest } = await bundleOf(await exportOf({ include_secrets: true }));
    expect(manifest.warnings).toEqual([expect.stringContaining("include_secrets")]);
    expect(manifest.options).not.toHaveProperty("include_secrets");
  });

  test("a reader who stops ends the query in PostgreSQL", async () => {
    const scope = withHeldRows(easm, "exposure_changes");
    const release = await holdRows(full, "exposure_changes");
    const headers = { ...bearer, Accept: "application/x-ndjson" };
    const response = await appOf(full, { scope }).request("/export", { method: "POST", headers });
    const reader = response.body!.getReader();
    // The rows that are held are the first that a read waits for.
    const reading = (async () => {
      while (!(await reader.read()).done);
    })();
    const pid = await waitingBackend(full);
    await reader.cancel();
    await reading;
    await until("the end of the query", async () => {
      const rows = await full.db.sql`select 1 from pg_stat_activity where pid = ${pid}`;
      return rows.length === 0;
    });
    await release();
  });

  test.each([
    ["an unknown option", '{"include_everything":true}', "include_everything"],
    ["a value that is no flag", '{"include_files":"yes"}', "include_files"],
    ["no JSON", "{", "JSON"],
    ["no object", "[true]", "object"],
    ["an endless body", `{"include_files":${" ".repeat(70_000)}true}`, "bytes"],
  ])("refuses %s", async (_name, body, said) => {
    const response = await appOf(full).request("/export", { method: "POST", headers: json, body });
    expect(response.status).toBe(400);
    const problem = await response.json();
    expect(problem).toMatchObject({ code: "REQUEST_INVALID", status: 400, detail: expect.stringContaining(said) });
  });

  test("refuses options of another type, which a form of a foreign page could send", async () => {
    const headers = { ...bearer, "Content-Type": "text/plain" };
    const response = await appOf(full).request("/export", { method: "POST", headers, body: '{"include_files":true}' });
    expect(response.status).toBe(400);
  });
});

describe("POST /import/preview", () => {
  test("verifies and plans, and changes nothing", async () => {
    const bundle = await (await exportOf({})).blob();
    const response = await appOf(empty).request("/import/preview", { method: "POST", headers: bearer, body: formOf(bundle) });
    expect(response.status).toBe(200);
    const preview = (await response.json()) as PreviewAnswer;
    expect(preview).toMatchObject({
      bundle: { container: "zip", app: { name: "easm" }, files: { bundle: 10, external: 0, missing: 0 } },
      importer: "admin@easm.example",
      verification: { valid: true, rows: { assets: 200, files: 10 } },
      plan: { mode: "skip_existing", digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(preview.plan.tables.find((table) => table.table === "assets")).toMatchObject({
      rows: 200,
      outcomes: { insert: 200 },
    });
    expect(await empty.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 0 }]);
    await expectNoUploads(empty);
  });

  test("answers what is wrong with a damaged bundle", async () => {
    const bytes = new Uint8Array(await (await exportOf({}, { Accept: "application/x-ndjson" })).arrayBuffer());
    const text = Buffer.from(bytes).indexOf('"slug":"') + 8;
    bytes[text]! ^= 1;
    const response = await appOf(empty).request("/import/preview", { method: "POST", headers: bearer, body: formOf(bytes) });
    expect(response.status).toBe(422);
    const problem = (await response.json()) as Problem;
    expect(problem).toMatchObject({ code: "INTEGRITY_HASH", entry: "data/organizations.json" });
    expect(problem["issues"]).toContainEqual(expect.objectContaining({ code: "INTEGRITY_HASH", severity: "error" }));
    await expectNoUploads(empty);
  });

  test.each([
    ["text", "no bundle at all", 422],
    ["nothing", "", 400],
  ])("refuses %s for a bundle", async (_name, body, status) => {
    const headers = { ...bearer, "Content-Type": "application/zip" };
    const response = await appOf(empty).request("/import/preview", { method: "POST", headers, body });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    await expectNoUploads(empty);
  });

  test("an admin who is none in this installation's database cannot be the importer", async () => {
    const authorize = () => ({ email: "stranger@easm.example" });
    const response = await appOf(empty, { authorize }).request("/import/preview", { method: "POST", body: "x" });
    expect(response.status).toBe(403);
  });

  test("with Accept: application/x-ndjson gives progress and the preview as the last line", async () => {
    const bundle = await (await exportOf({})).blob();
    const headers = { ...bearer, Accept: "application/x-ndjson" };
    const response = await appOf(empty).request("/import/preview?mode=merge", { method: "POST", headers, body: formOf(bundle) });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text()).trim().split("\n");
    const values = lines.map((line) => JSON.parse(line));
    expect(values.length).toBeGreaterThan(1);
    for (const value of values.slice(0, -1)) expect(value).toMatchObject({ progress: { phase: expect.any(String) } });
    expect(values.at(-1)).toMatchObject({ result: { plan: { mode: "merge" } } });
    await expectNoUploads(empty);
  });
});

describe("POST /import", () => {
  test("refuses without a mode, with another one, and with what is no digest", async () => {
    const app = appOf(empty);
    const send = (query: string, fields: Record<string, string>) =>
      app.request(`/import${query}`, { method: "POST", headers: bearer, body: formOf(new Uint8Array(10), fields) });
    for (const [query, fields] of [
      ["", {}],
      ["?mode=replace_all", {}],
      ["", { mode: "replace_all" }],
      ["?mode=merge", { mode: "skip_existing" }],
      ["?mode=merge", { plan_digest: "abc" }],
      ["?mode=merge", { colour: "blue" }],
    ] as const) {
      const response = await send(query, fields);
      expect(await response.json(), `${query} ${JSON.stringify(fields)}`).toMatchObject({ code: "REQUEST_INVALID", status: 400 });
    }
    await expectNoUploads(empty);
  });

  test("is bound to the plan's digest: a target that changed refuses and says what the plan is now", async () => {
    const target = await installations.empty();
    const app = appOf(target);
    const bundle = await (await exportOf({})).blob();
    const post = (path: string, fields: Record<string, string>) =>
      app.request(path, { method: "POST", headers: bearer, body: formOf(bundle, fields) });
    const { plan } = (await (await post("/import/preview", { mode: "merge" })).json()) as PreviewAnswer;
    await target.db.sql`insert into organizations (id, slug, name, created_by)
      select gen_random_uuid(), 'new-one', 'New', id from users limit 1`;
    const [organization] = await full.db.sql`select slug from organizations limit 1`;
    await target.db.sql`update organizations set slug = ${organization!["slug"]}`;
    const refused = await post("/import", { mode: "merge", plan_digest: plan.digest });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "IMPORT_PLAN_CHANGED", expected: plan.digest });
    await target.db.sql`delete from organizations`;
    const done = await post("/import", { mode: "merge", plan_digest: plan.digest });
    expect(done.status).toBe(200);
    expect(await done.json()).toMatchObject({ plan: { digest: plan.digest }, failed_blobs: [] });
    expect(await target.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 200 }]);
    await expectNoUploads(target);
  });
});

test("GET /scope says what is in, what is out and why", async () => {
  const response = await appOf(full, { title: "Test installation" }).request("/scope", { headers: bearer });
  const scope = (await response.json()) as ScopeDescription;
  expect(scope).toMatchObject({ title: "Test installation", name: "easm", modes: expect.arrayContaining(["merge"]) });
  expect(scope.options.map((option) => option.name)).toEqual([
    "include_files",
    "include_users",
    "include_scan_history",
    "include_settings",
  ]);
  expect(scope.ignored_options).toHaveProperty("include_secrets");
  const users = scope.tables.find((table) => table.name === "users")!;
  expect(users.excluded_columns["password_hash"]).toMatch(/never leave/);
  expect(scope.excluded_tables).toHaveProperty("api_keys");
  expect(JSON.stringify(scope)).not.toMatch(/select |jsonb_/i);
});

test("an unknown route answers 404 as a problem", async () => {
  const response = await appOf(full).request("/nothing", { headers: bearer });
  expect(response.status).toBe(404);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
});

describe("the estimate of an export", () => {
  const estimate = async (app: ReturnType<typeof appOf>, options: object = {}) => {
    const headers = { ...bearer, "Content-Type": "application/json" };
    return (await app.request("/export/estimate", { method: "POST", headers, body: JSON.stringify(options) })).json();
  };

  test("small tables are counted as the export has them, and files summed up", async () => {
    const found = (await estimate(appOf(full))) as ExportEstimate;
    const { manifest } = await bundleOf(await exportOf({}));
    const counts = Object.fromEntries(found.tables.map(({ table, rows }) => [table, rows]));
    expect(counts).toEqual(manifest.table_counts);
    expect(found.tables.every(({ exact }) => exact)).toBe(true);
    const [known] = await full.db.sql`select count(*)::int as count, sum(size_bytes)::int as bytes from files`;
    expect(found.files).toEqual(known);
    const rowBytes = Object.values(manifest.tables).reduce((sum, { bytes }) => sum + bytes, 0);
    expect(found.bytes - found.files.bytes).toBeGreaterThan(rowBytes / 2);
    expect(found.bytes - found.files.bytes).toBeLessThan(rowBytes * 2);
    const without = (await estimate(appOf(full), { include_files: false, include_scan_history: false })) as ExportEstimate;
    expect(without.files).toEqual({ count: 0, bytes: 0 });
    expect(without.tables.map(({ table }) => table)).not.toContain("scans");
  });

  test("of some tenants is what their export has", async () => {
    const list = async (search: string) =>
      (await (await appOf(full).request(`/tenants?search=${search}`, { headers: bearer })).json()) as TenantList;
    const { total, tenants } = await list("");
    expect(total).toBe(2);
    expect(tenants).toEqual(await full.db.sql`select id, slug as name from organizations order by slug collate "C"`);
    const [one] = tenants as [TenantList["tenants"][number]];
    expect(await list(one.name.toUpperCase())).toEqual({ total: 1, tenants: [one] });
    expect(await list("%")).toEqual({ total: 0, tenants: [] });
    const found = (await estimate(appOf(full), { tenants: [one.id] })) as ExportEstimate;
    const { manifest } = await bundleOf(await exportOf({ tenants: [one.id] }));
    expect(Object.fromEntries(found.tables.map(({ table, rows }) => [table, rows]))).toEqual(manifest.table_counts);
    const { tenants: _, ...without } = easm;
    const none = await appOf(full, { scope: without }).request("/tenants", { headers: bearer });
    expect([none.status, await none.json()]).toMatchObject([400, { code: "REQUEST_INVALID" }]);
  });

  test("refuses what an export would refuse", async () => {
    expect(await estimate(appOf(full), { tenants: [] })).toMatchObject({ code: "REQUEST_INVALID" });
    expect(await estimate(appOf(await installations.empty()), { nothing: true })).toMatchObject({ code: "REQUEST_INVALID" });
  });
});

describe("which contents are here", () => {
  const ask = (body: object) =>
    appOf(full).request("/import/known-files", { method: "POST", headers: json, body: JSON.stringify(body) });

  test("one answer a content, by hash and size", async () => {
    const [file] = await full.db.sql`select sha256, size_bytes::int as size from files limit 1`;
    const { sha256, size } = file as unknown as { sha256: string; size: number };
    const files = [
      { sha256, size },
      { sha256, size: size + 1 },
      { sha256: "0".repeat(64), size },
    ];
    const answer = await ask({ files });
    expect(await answer.json()).toEqual({ known: [true, false, false] });
  });

  test("what it cannot use is refused", async () => {
    const one = { sha256: "0".repeat(64), size: 1 };
    for (const body of [
      {},
      { files: [{ ...one, sha256: "x" }] },
      { files: [{ ...one, size: -1 }] },
      { files: Array(5001).fill(one) },
    ]) {
      const answer = await ask(body);
      expect([answer.status, await answer.json()]).toMatchObject([400, { code: "REQUEST_INVALID" }]);
    }
  });
});
