import { beforeAll, describe, expect, test } from "vitest";
import { readCatalog } from "../../../server/database/catalog.ts";
import { exportBundle } from "../../../server/export/export-bundle.ts";
import { checkScope } from "../../../server/scope/check-scope.ts";
import { defineScope, type Scope } from "../../../server/scope/define-scope.ts";
import { resolveScope } from "../../../server/scope/resolve-scope.ts";
import { makeSchema } from "../../../server/scopes/easm/demo.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { folderStore } from "../../support/instances.ts";

const db = useDatabase();
let database: TestDatabase;

beforeAll(async () => {
  database = await db.create();
  await makeSchema(database.sql);
});

async function problemsAfter(change: string, undo: string, scope: Scope = easm) {
  await database.sql.unsafe(change);
  try {
    const problems = checkScope(scope, await readCatalog(database.sql));
    const store = folderStore("unused", "unused");
    const refused = exportBundle({ sql: database.sql, store, scope, container: "zip" }).next();
    if (problems.length > 0) await expect(refused).rejects.toMatchObject({ code: "SCHEMA_SCOPE", details: { problems } });
    return problems.map(({ kind, table, column, paste }) => ({ kind, table, column, paste: paste !== undefined }));
  } finally {
    await database.sql.unsafe(undo);
  }
}

describe("the scope is held against the live database, and an export refuses what does not fit", () => {
  test("as shipped it fits", async () => {
    expect(checkScope(easm, await readCatalog(database.sql))).toEqual([]);
  });

  test("a new table", async () => {
    const problems = await problemsAfter("create table gadgets (id int primary key)", "drop table gadgets");
    expect(problems).toEqual([{ kind: "table_unclassified", table: "gadgets", column: undefined, paste: true }]);
  });

  test("a new column, of an included table", async () => {
    const problems = await problemsAfter("alter table assets add colour text", "alter table assets drop colour");
    expect(problems).toEqual([{ kind: "column_unclassified", table: "assets", column: "colour", paste: true }]);
  });

  test("a renamed column is one that is missing and one that is new", async () => {
    const problems = await problemsAfter(
      "alter table assets rename notes to remarks",
      "alter table assets rename remarks to notes",
    );
    expect(problems.map(({ kind, column }) => [kind, column])).toEqual([
      ["column_missing", "notes"],
      ["column_unclassified", "remarks"],
    ]);
  });

  test("a dropped table", async () => {
    const problems = await problemsAfter(
      "alter table job_locks rename to elsewhere",
      "alter table elsewhere rename to job_locks",
    );
    expect(problems.map(({ kind, table }) => [kind, table])).toEqual([
      ["table_unclassified", "elsewhere"],
      ["table_missing", "job_locks"],
    ]);
  });

  test("an included column that looks like a secret", async () => {
    const users = easm.tables["users"]!;
    const { password_hash: _, ...excluded } = users.excluded!;
    const leaky = {
      ...easm,
      tables: { ...easm.tables, users: { ...users, columns: [...users.columns, "password_hash"], excluded } },
    };
    const problems = await problemsAfter("select 1", "select 1", leaky);
    expect(problems).toEqual([{ kind: "likely_secret", table: "users", column: "password_hash", paste: true }]);
  });

  test("what PostgreSQL generates stays out", async () => {
    const problems = await problemsAfter(
      "alter table assets drop column notes, add column notes text generated always as (value) stored",
      "alter table assets drop column notes, add column notes text",
    );
    expect(problems).toEqual([{ kind: "column_generated", table: "assets", column: "notes", paste: false }]);
  });
});

describe("the order of tables", () => {
  test("puts parents first and opens circles where a reference may wait", async () => {
    const { tables } = resolveScope(easm, await readCatalog(database.sql));
    const place = (key: string) => tables.findIndex((table) => table.key === key);
    for (const table of tables) {
      for (const { parent, deferred } of table.foreignKeys) {
        if (parent === table.key || place(parent) === -1) continue;
        expect(place(parent) < place(table.key), `${table.key} -> ${parent}`).toBe(!deferred);
      }
    }
    expect(tables.flatMap((table) => table.foreignKeys.filter((key) => key.deferred))).toHaveLength(1);
  });
});

describe("a declaration that contradicts itself is refused, every mistake named", () => {
  const table = { columns: ["id", "name"] };
  const scope = (tables: Scope["tables"], more: Partial<Scope> = {}): Scope => ({
    ...easm,
    tables,
    settings: undefined as never,
    ...more,
  });
  test.each<[string, Scope, string]>([
    ["a column in and out", scope({ a: { ...table, excluded: { name: "is not needed" } } }), "both included and excluded"],
    ["a column twice", scope({ a: { columns: ["id", "id"] } }), "listed twice"],
    ["a role for a column that is out", scope({ a: { ...table, metadata: ["colour"] } }), "not an included column"],
    ["an unknown option", scope({ a: { ...table, option: { name: "include_it", off: "absent" } } }), "no option is named"],
    ["a table in and out", scope({ job_locks: table }), "both included and excluded"],
    ["a reason that says nothing", scope({ a: { ...table, excluded: { x: "no" } } }), "give the reason"],
    ["a name that breaks the stream", scope({ a: { columns: ["$end"] } }), "starts with $"],
  ])("%s", (_, declaration, message) => {
    const { settings: __, ...rest } = declaration;
    expect(() => defineScope(rest)).toThrow(message);
  });
});
