import { beforeAll, expect, test } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { collect } from "../../../engine/bytes.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { readCatalog } from "../../../server/database/catalog.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { copyTexts, exportRandom, importRandom, previewRandom, wholeScope } from "./instance.ts";

const db = useDatabase();
let source: TestDatabase;
let target: TestDatabase;

beforeAll(async () => {
  [source, target] = [await db.create(), await db.create()];
});

async function moved(schema: string, rows: string): Promise<Uint8Array> {
  // The tests' user is named holdall: a schema of that name would come before public.
  const begin = "drop schema public cascade; create schema public";
  for (const { sql } of [source, target]) await sql.unsafe(`${begin}; ${schema}`);
  await source.sql.unsafe(rows);
  const scope = wholeScope(await readCatalog(source.sql));
  const bytes = await exportRandom(source.sql, scope, "zip");
  await importRandom(target.sql, scope, bytes);
  expect(await copyTexts(target.sql)).toEqual(await copyTexts(source.sql));
  return bytes;
}

test("documents are wrapped only where JSON would lose something", async () => {
  const documents = ["null", '{"a": null}', '{"$json": "x"}', '[{"$json": "x"}]'];
  const values = [...documents.map((text) => `'${text}'`), "NULL"].map((value, i) => `(${i}, ${value})`);
  const bytes = await moved("create table d (id int primary key, doc jsonb)", `insert into d values ${values.join(", ")}`);
  const bundle = await openBundle(bytesSource(bytes), { codec: nodeCodec });
  expect(new TextDecoder().decode(await collect(bundle.open("data/d.json"))).split("\n")).toEqual([
    "[",
    '{"id":0,"doc":{"$json" : "null"}},',
    '{"id":1,"doc":{"a": null}},',
    '{"id":2,"doc":{"$json" : "{\\"$json\\": \\"x\\"}"}},',
    '{"id":3,"doc":[{"$json": "x"}]},',
    '{"id":4,"doc":null}',
    "]",
    "",
  ]);
});

test("a sequence goes on behind the rows, whichever way it counts and whoever owns it", async () => {
  await moved(
    `create sequence shared; create sequence down increment -1;
     create table a (id int primary key default nextval('shared'), n int default nextval('down'))`,
    "insert into a select from generate_series(1, 5)",
  );
  const [next] = await target.sql`insert into public.a default values returning id, n`;
  expect(next).toEqual({ id: 6, n: -6 });
  await target.sql`select setval('public.shared', 100)`;
  await target.sql`truncate public.a`;
  await importRandom(
    target.sql,
    wholeScope(await readCatalog(target.sql)),
    await exportRandom(source.sql, wholeScope(await readCatalog(source.sql)), "zip"),
  );
  const [later] = await target.sql`insert into public.a default values returning id`;
  expect(later).toEqual({ id: 101 });
});

test("a table's heirs travel once", async () => {
  await moved(
    "create table parent (id int primary key, v text); create table heir (primary key (id)) inherits (parent)",
    "insert into parent values (1, 'own'); insert into heir values (2, 'inherited')",
  );
});

test("a domain that is never NULL may be absent from a bundle: its default comes, and a merge leaves it alone", async () => {
  const schema = `create domain label as varchar(5) not null check (value <> ''); create domain name as label;
    create table d (id int primary key, a name default 'new', b label default 'own')`;
  await moved(schema, "insert into d values (1, 'x', 'y'), (2, 'z', 'w')");
  const whole = wholeScope(await readCatalog(source.sql));
  const tables = { d: { columns: ["id", "b"], excluded: { a: "of another producer" } } };
  const bytes = await exportRandom(source.sql, { ...whole, tables }, "zip");
  await target.sql`update public.d set b = 'here' where id = 2`;
  expect((await previewRandom(target.sql, whole, bytes)).tables[0]).toMatchObject({ outcomes: { identical: 1, update: 1 } });
  await target.sql`delete from public.d`;
  await importRandom(target.sql, whole, bytes);
  expect([...(await target.sql`select id, a, b from public.d order by id`)]).toEqual([
    { id: 1, a: "new", b: "y" },
    { id: 2, a: "new", b: "w" },
  ]);
});

test("columns may have the names that SQL of a plan would take", async () => {
  await moved(
    "create table k (k0 int primary key, k1 int, s int, p int, t int, b int, unique (k1, s), unique (p)); create unique index on k ((k0 + t))",
    "insert into k values (1, 1, 1, 1, 1, 1), (2, 1, 2, 2, 2, 2)",
  );
  const scope = wholeScope(await readCatalog(source.sql));
  const bytes = await exportRandom(source.sql, scope, "zip");
  await target.sql`update public.k set k0 = 3 where k0 = 2`;
  const { tables } = await previewRandom(target.sql, scope, bytes);
  expect(tables[0]!.outcomes).toEqual({ identical: 1, conflict_unique: 1 });
});

test("amounts of money are those of one locale, whatever the databases' are", async () => {
  const [shown] = await source.sql`select current_setting('lc_monetary') as locale`;
  expect(shown).toEqual({ locale: "C" });
  await moved("create table m (id int primary key, v money)", "insert into m values (1, '1234.56'), (2, '-0.01')");
});

test("a domain that is never NULL stands beside a composite", async () => {
  await moved(
    "create domain positive as int not null check (value > 0); create type pair as (a int, b int[]); create table p (id positive primary key, c pair, n positive)",
    "insert into p values (1, (1, '[0:0]={5}'), 2), (2, null, 3)",
  );
});
