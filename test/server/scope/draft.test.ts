import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readCatalog } from "../../../server/database/catalog.ts";
import { checkScope } from "../../../server/scope/check-scope.ts";
import { defineScope } from "../../../server/scope/define-scope.ts";
import { type Draft, draftScope } from "../../../server/scope/draft/draft-scope.ts";
import { sampleKeys } from "../../../server/scope/draft/sampled-keys.ts";
import { makeSchema } from "../../../server/scopes/easm/demo.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { run } from "../cli/command-line.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
let database: TestDatabase;

beforeAll(async () => {
  database = await db.create();
  await makeSchema(database.sql);
});

describe("the draft of an application that Holdall has never seen", () => {
  let draft: Draft;

  beforeAll(async () => {
    draft = draftScope(await readCatalog(database.sql), { name: "@acme/easm", version: "1.2.3" });
  });

  test("is a declaration, and all that is left to do is to confirm it", async () => {
    const problems = checkScope(defineScope(draft.scope), await readCatalog(database.sql));
    expect(problems.length).toBeGreaterThan(10);
    expect(problems.filter(({ kind }) => kind !== "unconfirmed")).toEqual([]);
    expect(draft.scope.name).toBe("easm");
  });

  test("keeps back what the people who know the application keep back", () => {
    for (const table of Object.keys(easm.excludedTables)) {
      const kept = draft.scope.tables[table];
      // A table whose name says nothing loses its secret columns all the same.
      if (kept !== undefined) expect(Object.keys(kept.excluded ?? {}), table).toContain("telegram_bot_token");
    }
    const secrets = ["password_hash", "totp_secret", "recovery_codes", "shodan_api_key", "webhook_secret", "share_token"];
    for (const { columns } of Object.values(draft.scope.tables))
      expect(columns.filter((name) => secrets.includes(name))).toEqual([]);
  });

  test("finds people, tenants, stored objects and history", () => {
    expect(draft.scope.users).toEqual({ table: "users", id: "id", email: "email", admin: "is_admin" });
    expect(draft.scope.tenants).toMatchObject({ table: "organizations", id: "id" });
    const { assets, files, exposure_changes: changes } = draft.scope.tables;
    expect(assets).toMatchObject({ tenant: "organization_id", importer: ["created_by"] });
    expect(files!.blob).toEqual(easm.tables["files"]!.blob);
    expect(changes!.appendOnly).toBe(true);
    expect(draft.remarks["assets"]!.join()).toContain("metadata");
  });
});

test("keys of documents that look like secrets are proposed to be taken out, for a person to confirm", async () => {
  const { sql } = await db.create();
  await sql.unsafe(`create table hooks (id int primary key, config jsonb, raw json, shape jsonb);
    insert into hooks values
      (1, '{"url": "x", "auth": [{"apiKey": "k", "deeper": {"Access-Token": "t"}}]}', '{"password": "p"}', '[1, "secret"]'),
      (2, '{"api_key": "k", "secretary": 1}', null, '{"size": {"tokens_used": 1}}'), (3, 'null', '[]', null)`);
  const catalog = await readCatalog(sql);
  const { scope, remarks } = draftScope(catalog, { name: "a", version: "1" }, await sampleKeys(sql, catalog));
  const { withoutKeys } = scope.tables["hooks"]!;
  expect(withoutKeys).toEqual({ config: ["CONFIRM: Access-Token", expect.stringMatching(/^CONFIRM: api_?key$/i)] });
  expect(remarks["hooks"]!.join("\n")).toContain("raw has members that look like secrets (password)");
  const open = checkScope(defineScope(scope), catalog).filter(({ column }) => column === "config");
  expect(open.map(({ kind }) => kind)).toEqual(["unconfirmed", "unconfirmed"]);
  const confirmed = { config: ["Access-Token", "api_key"] };
  const tables = { hooks: { ...scope.tables["hooks"]!, withoutKeys: confirmed } };
  expect(checkScope(defineScope({ ...scope, tables }), catalog).filter(({ column }) => column === "config")).toEqual([]);
});

describe("the command line, in an application's own folder", () => {
  let cwd: string;
  const holdall = (...args: string[]) => run({ args, cwd, env: { DATABASE_URL: database.url } });

  beforeAll(async () => {
    cwd = await temporaryFolder();
    await writeFile(join(cwd, "package.json"), '{"name":"radar","version":"3.0.0","type":"module"}');
  });

  test("drafts, asks for confirmation, and then works from the file", async () => {
    expect(await holdall("scope", "init")).toMatchObject({ code: 0, err: "" });
    const path = join(cwd, "holdall.config.ts");
    const draft = await readFile(path, "utf8");
    expect(draft).toContain('app: { name: "radar", version: "3.0.0" }');

    const unconfirmed = await holdall("scope", "check", "--json");
    expect(unconfirmed.code).toBe(1);
    expect(new Set(JSON.parse(unconfirmed.out).problems.map(({ kind }: { kind: string }) => kind))).toEqual(
      new Set(["unconfirmed"]),
    );
    const refused = await holdall("export", "--json");
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out).error.code).toBe("SCHEMA_SCOPE");

    await writeFile(path, draft.replaceAll("CONFIRM: ", ""));
    expect(await holdall("scope", "check")).toMatchObject({ code: 0 });
    const exported = await holdall("export", "--out", "radar.zip", "--json");
    expect(JSON.parse(exported.out)).toMatchObject({ table_counts: { assets: 0 } });
    expect(JSON.parse((await holdall("scope", "show", "--json")).out).name).toBe("radar");
  });

  test("keeps a file that is there", async () => {
    const again = await holdall("scope", "init");
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain("OUTPUT_EXISTS");
    expect((await holdall("scope", "init", "--out", "-")).out).toContain("defineScope");
  });

  test.each([
    ["missing.ts", undefined, 2, "there is no file"],
    ["broken.ts", "export default {", 1, "does not load"],
    ["empty.ts", "export const nothing = 1;", 1, "exports no scope"],
    ["wrong.ts", "export default { name: 'Wrong' };", 1, "is not usable"],
  ])("--config %s", async (file, text, code, message) => {
    if (text !== undefined) await writeFile(join(cwd, file), text);
    const outcome = await holdall("scope", "show", "--config", file);
    expect(outcome.code).toBe(code);
    expect(outcome.err).toContain(message);
  });

  test("an empty database has nothing to draft", async () => {
    const { url } = await db.create();
    const outcome = await run({ args: ["scope", "init", "--out", "x.ts"], cwd, env: { DATABASE_URL: url } });
    expect(outcome.code).toBe(1);
    expect(outcome.err).toContain("NO_TABLES");
  });
});
