import { beforeAll, describe, expect, test } from "vitest";
import { readCatalog } from "../../../server/database/catalog.ts";
import { exportBundle } from "../../../server/export/export-bundle.ts";
import { checkScope } from "../../../server/scope/check-scope.ts";
import type { Scope, TableScope } from "../../../server/scope/define-scope.ts";
import { makeSchema } from "../../../server/scopes/easm/demo.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { folderStore } from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { run } from "../cli/command-line.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const tables = Object.keys(easm.tables);
let database: TestDatabase;

beforeAll(async () => {
  database = await db.create();
  await makeSchema(database.sql);
});

/** What the check finds, after the export was seen to refuse with the very same. */
async function found(scope: Scope = easm): Promise<string[]> {
  const problems = checkScope(scope, await readCatalog(database.sql));
  const { sql } = database;
  const first = exportBundle({ sql, store: folderStore("unused", "unused"), scope, container: "zip" }).next();
  await expect(first).rejects.toMatchObject({ code: "SCHEMA_SCOPE", details: { problems } });
  await expect(first).rejects.toThrow(problems[0]!.message);
  return problems.map(({ kind, table, column, message }) => {
    expect(message).toContain(column === undefined ? table : `${table}.${column}`);
    return `${kind} ${table}.${column ?? ""}`;
  });
}

async function afterChange(change: string, undo: string): Promise<string[]> {
  await database.sql.unsafe(change);
  try {
    return await found();
  } finally {
    await database.sql.unsafe(undo);
  }
}

function withTable(key: string, change: (table: TableScope) => TableScope): Scope {
  return { ...easm, tables: { ...easm.tables, [key]: change(easm.tables[key]!) } };
}

describe.each(tables)("a guard for every table: %s", (key) => {
  test("any one column that the scope forgets is named", async () => {
    const catalog = await readCatalog(database.sql);
    const { columns, excluded = {} } = easm.tables[key]!;
    for (const column of columns) {
      const scope = withTable(key, (table) => ({ ...table, columns: columns.filter((name) => name !== column) }));
      expect(checkScope(scope, catalog)).toContainEqual(
        expect.objectContaining({
          kind: "column_unclassified",
          table: key,
          column,
          paste: expect.stringContaining(`"${column}"`),
        }),
      );
    }
    for (const column of Object.keys(excluded)) {
      if (catalog.tables.get(key)!.columns.find(({ name }) => name === column)!.generated) continue;
      const { [column]: _, ...rest } = excluded;
      const problems = checkScope(
        withTable(key, (table) => ({ ...table, excluded: rest })),
        catalog,
      );
      expect(problems).toMatchObject([{ kind: "column_unclassified", table: key, column }]);
    }
    const last = columns.at(-1)!;
    expect(await found(withTable(key, (table) => ({ ...table, columns: columns.slice(0, -1) })))).toContain(
      `column_unclassified ${key}.${last}`,
    );
  });

  test("a column that the database gains", async () => {
    expect(await afterChange(`alter table ${key} add colour text`, `alter table ${key} drop colour`)).toEqual([
      `column_unclassified ${key}.colour`,
    ]);
  });

  test("a column that is renamed", async () => {
    const { columns } = easm.tables[key]!;
    const column = columns.at(-1)!;
    const problems = await afterChange(
      `alter table ${key} rename "${column}" to renamed`,
      `alter table ${key} rename renamed to "${column}"`,
    );
    expect(problems).toEqual([`column_missing ${key}.${column}`, `column_unclassified ${key}.renamed`]);
  });

  test("a secret that somebody includes", async () => {
    await database.sql.unsafe(`alter table ${key} add smtp_password text`);
    try {
      expect(await found(withTable(key, (table) => ({ ...table, columns: [...table.columns, "smtp_password"] })))).toEqual([
        `likely_secret ${key}.smtp_password`,
      ]);
    } finally {
      await database.sql.unsafe(`alter table ${key} drop smtp_password`);
    }
  });
});

test("a table whose key stays behind, or that has none", async () => {
  const keyless = withTable("reports", (table) => ({
    ...table,
    columns: table.columns.filter((name) => name !== "id"),
    excluded: { ...table.excluded, id: "left out by mistake" },
  }));
  expect(await found(keyless)).toEqual(["key_missing reports."]);
});

test("the command line says the same, with the line to paste and exit code 1", async () => {
  const cwd = await temporaryFolder();
  const check = (...more: string[]) => run({ args: ["scope", "check", ...more], cwd, env: { DATABASE_URL: database.url } });
  expect((await check()).code).toBe(0);
  await database.sql`alter table assets add api_token text`;
  const [text, json] = [await check(), await check("--json")];
  await database.sql`alter table assets drop api_token`;
  expect(text.code).toBe(1);
  expect(text.out).toContain('assets: columns: [..., "api_token"]');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out).problems).toMatchObject([{ kind: "column_unclassified", table: "assets", column: "api_token" }]);
});
