import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type postgres from "postgres";
import { beforeAll, describe, expect, test } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { collect } from "../../../engine/bytes.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { readCatalog } from "../../../server/database/catalog.ts";
import { exportBundle } from "../../../server/export/export-bundle.ts";
import { importBundle } from "../../../server/import/import-bundle.ts";
import { checkScope } from "../../../server/scope/check-scope.ts";
import { defineScope, type Scope, type TableScope } from "../../../server/scope/define-scope.ts";
import { useDatabase } from "../../support/database.ts";
import {
  demoInstance,
  emptyInstance,
  exportFile,
  folderStore,
  type Instance,
  importFile,
  preview,
  withBundle,
} from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

type Rows = Record<string, Record<string, unknown>[]>;

async function rowsOf(bytes: Uint8Array): Promise<{ rows: Rows; tenants: unknown; text: string }> {
  const bundle = await openBundle(bytesSource(bytes), { codec: nodeCodec });
  const rows: Rows = {};
  let text = "";
  for (const table of bundle.manifest.tables) {
    const entry = new TextDecoder().decode(await collect(bundle.open(`data/${table.name}.json`)));
    rows[table.name] = JSON.parse(entry);
    text += entry;
  }
  return { rows, tenants: bundle.manifest.tenants, text: text + JSON.stringify(bundle.manifest) };
}

describe("an organization of the demo leaves alone", () => {
  let source: Instance;
  let organizations: { id: string; slug: string }[];
  let home: string;
  const options = { include_users: true, include_files: true };

  beforeAll(async () => {
    home = await temporaryFolder();
    source = await demoInstance(db, folderStore(home, "source"), { orgs: 4, files: 40 });
    organizations = await source.sql`select id, slug from organizations order by id`;
  });

  async function exported(tenants: string[]) {
    const path = await exportFile(source, join(home, `${tenants.join("-")}.zip`), { tenants, options });
    return { path, ...(await rowsOf(await readFile(path))) };
  }

  test("with every row and file of its own, and none of another's", async () => {
    for (const { id, slug } of organizations) {
      const { path, rows, text, tenants } = await exported([slug]);
      expect(tenants).toEqual({ table: "organizations", ids: [id] });
      for (const [table, found] of Object.entries(rows)) {
        if (table === "users") continue;
        const column = table === "organizations" ? "id" : "organization_id";
        const [own] = await source.sql.unsafe(`select count(*)::int as n from ${table} where ${column} = '${id}'`);
        expect(found.length, table).toBe(own!["n"]);
        expect(
          found.every((row) => row[column] === id),
          table,
        ).toBe(true);
      }
      for (const other of organizations) if (other.id !== id) expect(text).not.toContain(other.id);
      await withBundle(path, async (bundle) => {
        const files = await source.sql`select id from files where organization_id = ${id} order by id`;
        expect(bundle.manifest.files.map((file) => file.id).sort()).toEqual(files.map((file) => file["id"]));
        const carried = bundle.container.entries.filter((entry) => entry.path.startsWith("files/"));
        expect(carried.length).toBe(bundle.manifest.files.filter((file) => file.stored === "bundle").length);
        expect(bundle.manifest.settings).toBeUndefined();
      });
    }
  });

  test("users are its members", async () => {
    const [first] = organizations;
    const { rows } = await exported([first!.id]);
    const members = await source.sql`select distinct user_id from organization_members where organization_id = ${first!.id}`;
    expect(rows["users"]!.map((row) => row["id"]).sort()).toEqual(members.map((row) => row["user_id"]).sort());
  });

  test("two of them, and together they are all", async () => {
    const half = await exported(organizations.slice(0, 2).map(({ slug }) => slug));
    const rest = await exported(organizations.slice(2).map(({ id }) => id));
    const all = await rowsOf(await readFile(await exportFile(source, join(home, "all.zip"), { options })));
    expect(all.tenants).toBeUndefined();
    for (const table of Object.keys(all.rows)) {
      if (table === "users") continue;
      expect(half.rows[table]!.length + rest.rows[table]!.length, table).toBe(all.rows[table]!.length);
    }
  });

  test("and arrives whole in an empty installation", async () => {
    const { path, rows } = await exported([organizations[1]!.slug]);
    const target = await emptyInstance(db, folderStore(home, "target"));
    const { plan } = await importFile(target, path);
    for (const { table, outcomes } of plan.tables) {
      if (outcomes.not_imported === undefined) expect(outcomes.insert ?? 0, table).toBe(rows[table]!.length);
    }
    const again = await preview(target, path, "merge");
    expect(again.tables.every(({ outcomes }) => outcomes.insert === undefined && outcomes.update === undefined)).toBe(true);
  });

  test.each([[["nobody"]], [["nobody", "'; drop table assets; --"]], [['{"a"}']]])("%j is refused", async (tenants) => {
    await expect(exported(tenants)).rejects.toMatchObject({ code: "REQUEST_INVALID", details: { tenant: tenants[0] } });
  });
});

const schema = `
  create table people (id int primary key, email text, admin boolean);
  create table "Tenants" (key text primary key, "full name" text unique);
  create table spaces (id int primary key, tenant text references "Tenants");
  create table folders (id int primary key, space int references spaces, parent int references folders, made_by int references people);
  create table notes (id int primary key, folder int references folders);
  create table tags (id int primary key, tenant text references "Tenants", label text);
  create table note_tags (note int references notes, tag int references tags, primary key (note, tag));
  create table grid (a int, b int, space int not null references spaces, primary key (a, b));
  create table cells (id int primary key, a int, b int, foreign key (a, b) references grid);
  create table countries (code text primary key);
  create table greetings (id int primary key, audience text[]);
  create table private (id int primary key, note int references notes);`;

const rows = `
  insert into people values (1, 'a@example.com', true), (2, 'b@example.com', false);
  insert into "Tenants" values ('a', 'Anna "A"'), ('b', 'Bert, {B}'), ('c\\', 'Cleo');
  insert into spaces values (1, 'a'), (2, 'b'), (3, null);
  insert into folders values (1, 1, null, 2), (2, 2, null, 1), (3, null, null, 1), (4, 1, 2, 1);
  insert into notes values (1, 1), (2, 2), (3, 3), (4, 4), (5, null);
  insert into tags values (1, 'a', 'mine'), (2, 'b', 'theirs'), (3, null, 'everybody''s');
  insert into note_tags values (1, 1), (1, 2), (1, 3), (2, 2), (2, 1);
  insert into grid values (1, 1, 1), (1, 2, 2);
  insert into cells values (1, 1, 1), (2, 1, 2), (3, 1, null);
  insert into countries values ('ch'), ('de');
  insert into greetings values (1, '{a,b}'), (2, '{b}'), (3, '{}');`;

const made = (tables: Record<string, Partial<TableScope>>): Scope =>
  defineScope({
    name: "made",
    version: 1,
    app: { name: "made", version: "1" },
    description: "",
    options: {},
    ignoredOptions: {},
    users: { table: "people", id: "id", email: "email", admin: "admin" },
    tenants: { table: "Tenants", id: "key", name: "full name" },
    tables: {
      Tenants: { columns: ["key", "full name"] },
      spaces: { columns: ["id", "tenant"], tenant: "tenant" },
      folders: { columns: ["id", "space", "parent"], excluded: { made_by: "people do not travel" } },
      notes: { columns: ["id", "folder"], shared: "in" },
      tags: { columns: ["id", "tenant", "label"], tenant: "tenant", shared: "in", where: "label <> 'hidden' or false" },
      note_tags: { columns: ["note", "tag"] },
      grid: { columns: ["a", "b", "space"] },
      cells: { columns: ["id", "a", "b"] },
      countries: { columns: ["code"], shared: "in" },
      greetings: { columns: ["id", "audience"], tenantRows: "audience && $tenants" },
      ...tables,
    } as Record<string, TableScope>,
    excludedTables: { people: "people do not travel", private: "nobody's business" },
  });

describe("in any schema, what hangs on a tenant is found through foreign keys", () => {
  let sql: postgres.Sql;

  beforeAll(async () => {
    ({ sql } = await db.create());
    await sql.unsafe(schema + rows);
  });

  async function keysOf(tenants: string[], scope = made({})): Promise<Record<string, unknown[]>> {
    const store = folderStore("unused", "unused");
    const bytes = await collect(exportBundle({ sql, store, scope, container: "ndjson", tenants }));
    const { rows } = await rowsOf(bytes);
    return Object.fromEntries(
      Object.entries(rows).map(([table, found]) => [
        table,
        found.map((row) =>
          Object.values(row)
            .slice(0, table === "note_tags" ? 2 : 1)
            .join(),
        ),
      ]),
    );
  }

  test("over several hops, composite keys and a tenant column that may be empty", async () => {
    expect(await keysOf(["a"])).toEqual({
      Tenants: ["a"],
      spaces: ["1"],
      folders: ["1", "4"],
      // Note 5 hangs on nobody, and the scope says that such notes go along.
      notes: ["1", "4", "5"],
      tags: ["1", "3"],
      // A row between two tenants belongs to neither alone.
      note_tags: ["1,1", "1,3"],
      grid: ["1"],
      cells: ["1"],
      countries: ["ch", "de"],
      greetings: ["1"],
    });
  });

  test("several tenants, by key and by name, with any character in them", async () => {
    const both = await keysOf(['Anna "A"', "b"]);
    expect(both["spaces"]).toEqual(["1", "2"]);
    expect(both["note_tags"]).toEqual(["1,1", "1,2", "1,3", "2,1", "2,2"]);
    expect((await keysOf(["c\\"]))["Tenants"]).toEqual(["c\\"]);
    expect((await keysOf(["Bert, {B}"]))["greetings"]).toEqual(["1", "2"]);
  });

  test("a table that no foreign key ties to a tenant is a problem until the scope says whose it is", async () => {
    const catalog = await readCatalog(sql);
    expect(checkScope(made({}), catalog)).toEqual([]);
    const { shared: _, ...unsaid } = made({}).tables["countries"]!;
    const scope = made({ countries: unsaid });
    expect(checkScope(scope, catalog)).toMatchObject([{ kind: "tenant_unknown", table: "countries" }]);
    await expect(keysOf(["a"], scope)).rejects.toMatchObject({ code: "SCHEMA_SCOPE" });
    expect((await keysOf(["a"], made({ countries: { ...unsaid, shared: "out" } })))["countries"]).toEqual([]);
  });

  test.each([[["a"]], [["Bert, {B}"]], [["a", "b"]]])(
    "and an import of %j takes of a whole bundle what an export takes along",
    async (tenants) => {
      const scope = made({});
      const store = folderStore("unused", "unused");
      const bundleOf = (part: { tenants?: string[] }) =>
        collect(exportBundle({ sql, store, scope, container: "ndjson", ...part }));
      const importInto = async (bytes: Uint8Array, choices: { tenants?: string[] }) => {
        const { sql: target } = await db.create();
        await target.unsafe(`${schema} insert into people values (1, 'a@example.com', true)`);
        const bundle = await openBundle(bytesSource(bytes), { codec: nodeCodec });
        const importer = { id: "1", email: "a@example.com" };
        await importBundle({ sql: target, store, scope, bundle, mode: "skip_existing", importer, choices });
        const texts = Object.keys(scope.tables).map((table) =>
          target.unsafe(`select t::text as row from "${table}" t order by 1`),
        );
        return (await Promise.all(texts)).map((found, i) => [Object.keys(scope.tables)[i], found.map((row) => row["row"])]);
      };
      const whole = await importInto(await bundleOf({}), { tenants });
      expect(whole).toEqual(await importInto(await bundleOf({ tenants }), {}));
      expect(whole.every(([, found]) => found!.length > 0)).toBe(true);
    },
  );

  test("a scope without tenants has none to export", async () => {
    const { tenants: _, ...scope } = made({});
    const store = folderStore("unused", "unused");
    const refused = exportBundle({ sql, store, scope, container: "zip", tenants: ["a"] }).next();
    await expect(refused).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  });

  test.each([
    [{ tenants: { table: "nowhere", id: "id" } }, "not an included table"],
    [{ tenants: { table: "spaces", id: "space" } }, "not an included column"],
    [{ options: { tenants: { default: true, label: "", description: "" } } }, "the name is taken"],
  ])("%j is no declaration", (part, message) => {
    expect(() => defineScope({ ...made({}), ...part })).toThrow(message);
  });
});
