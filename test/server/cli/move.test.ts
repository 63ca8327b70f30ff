import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { run } from "./command-line.ts";

const databases = useDatabase();
const temporaryFolder = useTemporaryFolders();
const when = ["--created-at", "2026-03-01T12:00:00Z"];

interface Installation {
  database: TestDatabase;
  env: Record<string, string>;
}

let cwd: string;
let source: Installation;

async function installation(name: string, ...demo: string[]): Promise<Installation> {
  const database = await databases.create();
  const env = { DATABASE_URL: database.url, HOLDALL_BLOBS: `file:${join(cwd, name)}` };
  const made = await holdall({ database, env }, "demo", ...demo);
  expect(made).toMatchObject({ code: 0, err: "" });
  return { database, env };
}

function holdall({ env }: Pick<Installation, "env"> & Partial<Installation>, ...args: string[]) {
  return run({ args, cwd, env });
}

async function json(at: Installation, ...args: string[]) {
  const { code, out, err } = await holdall(at, ...args, "--json");
  expect(err).toBe("");
  return { code, value: JSON.parse(out) };
}

beforeAll(async () => {
  cwd = await temporaryFolder();
  source = await installation("source", "--assets", "400", "--files", "20", "--orgs", "2");
});

describe("an installation moves", () => {
  test("demo, export, inspect, verify, preview, import, export", async () => {
    const exported = await json(source, "export", "--out", "a.zip");
    expect(exported).toMatchObject({
      code: 0,
      value: { file: "a.zip", format: "zip", table_counts: { assets: 400, files: 20 } },
    });

    const inspected = await json(source, "inspect", "a.zip");
    expect(inspected.value).toMatchObject({
      container: "zip",
      app: { name: "easm" },
      files: { bundle: 20, external: 0, missing: 0 },
    });
    expect(await json(source, "verify", "a.zip")).toMatchObject({ code: 0, value: { valid: true, issues: [] } });

    const target = await installation("target", "--empty", "--admin", "ops@example.com");
    const preview = await json(target, "preview", "a.zip", "--mode", "merge");
    expect(preview.value).toMatchObject({ importer: "ops@example.com", blobs: { write: 20, present: 0 } });
    const count = () => target.database.sql`select count(*)::int as rows from assets`;
    expect((await count())[0]).toEqual({ rows: 0 });

    const given = ["--mode", "merge", "--as", "ops@example.com", "--yes", "--plan", preview.value.digest];
    const imported = await json(target, "import", "a.zip", ...given);
    expect(imported).toMatchObject({ code: 0, value: { plan: { digest: preview.value.digest }, failed_blobs: [] } });
    expect((await count())[0]).toEqual({ rows: 400 });

    const again = await json(target, "export", "--out", "b.zip");
    const { organization_members: _, ...counts } = exported.value.table_counts;
    expect(again.value.table_counts).toMatchObject(counts);

    const repeated = await json(target, "import", "a.zip", ...given);
    expect(repeated).toMatchObject({ code: 1, value: { error: { code: "IMPORT_PLAN_CHANGED" } } });
  });

  test("a preview shows old and new values, lists rows, and takes what an import takes", async () => {
    await holdall(source, "export", "--out", "people.zip", "-o", "include_users=yes");
    const target = await installation("chosen", "--empty", "--admin", "ops@example.com");
    const [{ slug }] = (await source.database.sql`select slug from organizations order by id limit 1`) as unknown as [
      { slug: string },
    ];
    const [{ email }] = (await source.database.sql`select email from users order by id limit 1 offset 2`) as unknown as [
      { email: string },
    ];
    const choices = ["--mode", "merge", "--org", slug, "--map-user", `${email}=ops@example.com`];
    const { value } = await json(target, "preview", "people.zip", ...choices);
    expect(value).not.toHaveProperty("rows");
    const given = ["import", "people.zip", ...choices, "--as", "ops@example.com", "--yes", "--plan", value.digest];
    expect(await json(target, ...given)).toMatchObject({ code: 0, value: { plan: { digest: value.digest } } });
    await target.database.sql`update assets set notes = 'before' where id in (select id from assets order by id limit 5)`;

    const shown = await holdall(target, "preview", "people.zip", ...choices);
    expect(shown.out).toMatch(/\nassets {2}update {2}3 of 5\n {2}row \d+ {2}[0-9a-f-]{36}\n {4}notes: "before" -> /);
    expect(shown.out).toContain(email);
    const listed = await json(target, "preview", "people.zip", ...choices, "--rows", "4");
    expect(listed.value.rows.assets.update).toHaveLength(4);
    expect(listed.value.rows.assets.update[0]).toMatchObject({
      outcome: "update",
      changes: [{ column: "notes", old: "before" }],
    });
    expect(listed.value.rows.assets.identical).toHaveLength(4);
    expect(listed.value.rows.users).toEqual({ not_imported: expect.any(Array) });
    for (const wrong of [
      ["--map-user", "nobody"],
      ["--tables", "a,,b"],
      ["--rows", "some"],
    ]) {
      expect(await holdall(target, "preview", "people.zip", ...wrong), wrong.join(" ")).toMatchObject({ code: 2, out: "" });
    }
  }, 120_000);

  test("through a pipe, without a file in between", async () => {
    const target = await installation("piped", "--empty", "--admin", "ops@example.com");
    const bundle = await holdall(source, "export", "--out", "-", "--format", "ndjson");
    expect(bundle.code).toBe(0);
    expect(bundle.err).toMatch(/^exported {2}standard output: /);
    const args = ["import", "-", "--mode", "skip_existing", "--as", "ops@example.com", "--yes", "--json"];
    const imported = await run({ args, cwd, env: target.env, input: bundle.stdout });
    expect(imported).toMatchObject({ code: 0, err: "" });
    const { plan } = JSON.parse(imported.out);
    expect(plan.tables.find(({ table }: { table: string }) => table === "assets").outcomes).toEqual({ insert: 400 });
    const text = await run({ args: ["preview", "-"], cwd, env: target.env, input: bundle.stdout });
    expect(text.out).toMatch(/\nassets +400 +· +· +400 +· +·\n/);
  });

  test("the same data at the same time is the same bytes", async () => {
    for (const name of ["first.zip", "second.zip"]) await holdall(source, "export", "--out", name, ...when);
    expect(await readFile(join(cwd, "first.zip"))).toEqual(await readFile(join(cwd, "second.zip")));
  });

  test("options of the scope; a secret stays where it is, with a warning", async () => {
    const { code, value } = await json(
      source,
      "export",
      "--out",
      "thin.ndjson",
      "-o",
      "include_files=no",
      "-o",
      "include_secrets=yes",
    );
    expect({ code, value }).toMatchObject({ code: 0, value: { format: "ndjson", files: { bundle: 0, not_carried: 20 } } });
    expect(value.warnings).toEqual([expect.stringContaining("include_secrets")]);
    expect((await holdall(source, "export", "--out", "thin2.zip", "-o", "include_secrets=yes")).out).toContain(
      "warning  include_secrets",
    );
  });
});

describe("output", () => {
  test("a dated name by default, in the folder that is named", async () => {
    const { value } = await json(source, "export", "--out", ".", ...when);
    expect(value.file).toBe("easm-2026-03-01-120000.zip");
  });

  test("is never overwritten without --force", async () => {
    await writeFile(join(cwd, "mine.zip"), "mine");
    const refused = await holdall(source, "export", "--out", "mine.zip");
    expect(refused).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("mine.zip is there already; --force replaces it"),
    });
    expect(await readFile(join(cwd, "mine.zip"), "utf8")).toBe("mine");
    expect(await holdall(source, "export", "--out", "mine.zip", "--force", "--quiet")).toMatchObject({ code: 0, err: "" });
    expect(await holdall(source, "verify", "mine.zip")).toMatchObject({ code: 0 });
    expect(await holdall(source, "export", "--out", "/dev/null", "--force")).toMatchObject({ code: 1 });
  });

  test("--quiet leaves a piped export without a word", async () => {
    expect(await holdall(source, "export", "--out", "-", "--quiet")).toMatchObject({ code: 0, err: "" });
  });
});

describe("demo", () => {
  test("refuses a database with tables, and a store with objects", async () => {
    const again = await holdall(source, "demo");
    expect(again).toMatchObject({ code: 1, out: "", err: expect.stringContaining("is not empty: it has the tables api_keys") });
    const { url } = await databases.create();
    const shared = await holdall({ env: { ...source.env, DATABASE_URL: url } }, "demo", "--assets", "10");
    expect(shared).toMatchObject({ code: 1, err: expect.stringContaining("blob store") });
  });
});

describe("scope check", () => {
  test("passes on the scope's own schema, and names what to paste for a new column", async () => {
    const at = await installation("checked", "--empty");
    expect(await holdall(at, "scope", "check")).toMatchObject({
      code: 0,
      out: expect.stringContaining("ok  the scope easm fits"),
    });
    await at.database.sql`alter table assets add column api_token text`;
    const text = await holdall(at, "scope", "check");
    expect(text).toMatchObject({ code: 1, err: "" });
    expect(text.out).toContain("column assets.api_token is neither included nor excluded");
    expect(text.out).toContain('paste assets: columns: [..., "api_token"]');
    expect(await json(at, "scope", "check")).toMatchObject({ code: 1, value: { problems: [{ kind: "column_unclassified" }] } });
    const refused = await holdall(at, "export", "--out", "checked.zip");
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/^error {2}SCHEMA_SCOPE/) });
    expect(await readFile(join(cwd, "checked.zip")).catch(() => null)).toBe(null);
  });
});

test("serve prints where and with what, and Ctrl-C ends it", async () => {
  const { start, outcomeOf } = await import("./command-line.ts");
  const child = start({ args: ["serve", "--port", "0", "--json"], cwd, env: source.env });
  const ended = outcomeOf(child);
  const printed = await new Promise<string>((done) => child.stdout!.once("data", (chunk) => done(String(chunk))));
  const { api, token } = JSON.parse(printed);
  const scope = (authorization: string) => fetch(`${api}/scope`, { headers: { authorization } });
  expect((await scope(`Bearer ${token}`)).status).toBe(200);
  expect((await scope("Bearer nothing")).status).toBe(401);
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, err: "" });
});
