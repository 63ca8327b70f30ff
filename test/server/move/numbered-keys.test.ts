import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Sql } from "postgres";
import { expect, test } from "vitest";
import { exportBundle } from "../../../server/export/export-bundle.ts";
import { importBundle } from "../../../server/import/import-bundle.ts";
import { findImporter } from "../../../server/import/importer.ts";
import { defineScope } from "../../../server/scope/define-scope.ts";
import { useDatabase } from "../../support/database.ts";
import { folderStore, withBundle } from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

/** As many applications are: every key is a number, and each installation counts for itself. */
const schema = `
  create table people (id bigserial primary key, email text not null unique, is_admin boolean not null default true);
  create table teams (id bigserial primary key, slug text not null unique, lead_id bigint references people (id));
  create table projects (id bigserial primary key, team_id bigint not null references teams (id), name text not null,
    parent_id bigint references projects (id), unique (team_id, name));
  create table tasks (id bigserial primary key, project_id bigint not null references projects (id), number int not null,
    title text not null, unique (project_id, number));`;

const scope = defineScope({
  name: "numbered",
  version: 1,
  app: { name: "numbered", version: "1" },
  description: "Teams, their projects and tasks.",
  options: {},
  ignoredOptions: {},
  users: { table: "people", id: "id", email: "email", admin: "is_admin" },
  tenants: { table: "teams", id: "id", name: "slug" },
  tables: {
    teams: { columns: ["id", "slug", "lead_id"], naturalKey: ["slug"] },
    projects: { columns: ["id", "team_id", "name", "parent_id"], naturalKey: ["team_id", "name"] },
    tasks: { columns: ["id", "project_id", "number", "title"], naturalKey: ["project_id", "number"] },
  },
  excludedTables: { people: "accounts are made in each installation" },
});

async function fill(sql: Sql, teams: Record<string, string[]>, titles: string): Promise<void> {
  for (const [slug, projects] of Object.entries(teams)) {
    await sql`insert into teams (slug) values (${slug})`;
    for (const [i, name] of projects.entries()) {
      await sql`insert into projects (team_id, name, parent_id)
        select t.id, ${name}, (select min(id) from projects p where p.team_id = t.id and ${i} > 0) from teams t where slug = ${slug}`;
      await sql`insert into tasks (project_id, number, title)
        select p.id, n, ${titles} || n from projects p join teams t on t.id = team_id, generate_series(1, 3) n where slug = ${slug} and name = ${name}`;
    }
  }
}

const listing = (
  sql: Sql,
) => sql`select t.slug, p.name, up.name as parent, k.number, k.title from tasks k join projects p on p.id = project_id
  join teams t on t.id = p.team_id left join projects up on up.id = p.parent_id order by 1, 2, 4`;

test("installations that number for themselves: the same things meet, new ones get new numbers, references follow", async () => {
  const home = await temporaryFolder();
  const [source, target] = [await db.create(), await db.create()];
  for (const { sql } of [source, target]) await sql.unsafe(`${schema} insert into people (email) values ('a@b.example')`);
  await fill(source.sql, { red: ["one", "two"], blue: ["one", "three"] }, "from the source ");
  await fill(target.sql, { green: ["zero"], blue: ["one"] }, "of the target ");
  const store = folderStore(home, "none");
  const path = join(home, "bundle.zip");
  await pipeline(exportBundle({ sql: source.sql, store, scope, container: "zip", options: {} }), createWriteStream(path));
  const importer = await findImporter(target.sql, scope);
  const enter = () =>
    withBundle(path, (bundle) => importBundle({ sql: target.sql, store, scope, bundle, mode: "skip_existing", importer }));

  const { plan } = await enter();
  expect(plan.tables).toMatchObject([
    { table: "teams", outcomes: { insert: 1, identical: 1 }, matched: 0, renumbered: 1 },
    { table: "projects", outcomes: { insert: 3, identical: 1 }, matched: 1, renumbered: 2 },
    { table: "tasks", outcomes: { insert: 9, keep: 3 }, matched: 3, renumbered: expect.any(Number) },
  ]);
  const rows = await listing(target.sql);
  expect(rows.filter(({ slug }) => slug === "green")).toHaveLength(3);
  expect(rows.filter(({ title }) => (title as string).startsWith("of the target"))).toHaveLength(6);
  const expected = (await listing(source.sql)).filter(({ slug, name }) => !(slug === "blue" && name === "one"));
  expect(rows.filter(({ title }) => (title as string).startsWith("from the source"))).toEqual([...expected]);

  const again = await enter();
  expect(again.plan.tables.map(({ outcomes }) => outcomes)).toEqual([
    { identical: 2 },
    { identical: 4 },
    { identical: 9, keep: 3 },
  ]);
  // The application's next number is free.
  await target.sql`insert into tasks (project_id, number, title) select max(id), 99, 'next' from projects`;
});

test("only one team: what hangs on it by foreign keys over several steps, and nothing of the others", async () => {
  const home = await temporaryFolder();
  const [source, target] = [await db.create(), await db.create()];
  for (const { sql } of [source, target]) await sql.unsafe(`${schema} insert into people (email) values ('a@b.example')`);
  await fill(source.sql, { red: ["one", "two"], blue: ["one", "three"] }, "from the source ");
  await fill(target.sql, { green: ["zero"] }, "of the target ");
  const store = folderStore(home, "none");
  const path = join(home, "bundle.zip");
  await pipeline(exportBundle({ sql: source.sql, store, scope, container: "zip", options: {} }), createWriteStream(path));
  const importer = await findImporter(target.sql, scope);
  const choices = { tenants: ["blue"] };
  const { plan } = await withBundle(path, (bundle) =>
    importBundle({ sql: target.sql, store, scope, bundle, mode: "merge", importer, choices }),
  );
  expect(plan.tables.map(({ table, outcomes }) => ({ table, ...outcomes }))).toEqual([
    { table: "teams", insert: 1, not_imported: 1 },
    { table: "projects", insert: 2, not_imported: 2 },
    { table: "tasks", insert: 6, not_imported: 6 },
  ]);
  const rows = (await listing(target.sql)).filter(({ slug }) => slug !== "green");
  expect(rows).toEqual([...(await listing(source.sql))].filter(({ slug }) => slug === "blue"));
});
