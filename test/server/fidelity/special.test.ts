import { beforeAll, expect, test } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { collect } from "../../../engine/bytes.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { readCatalog } from "../../../server/database/catalog.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { copyTexts, exportRandom, importRandom, wholeScope } from "./instance.ts";

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

test("a domain that is never NULL stands beside a composite", async () => {
  await moved(
    "create domain positive as int not null check (value > 0); create type pair as (a int, b int[]); create table p (id positive primary key, c pair, n positive)",
    "insert into p values (1, (1, '[0:0]={5}'), 2), (2, null, 3)",
  );
});
