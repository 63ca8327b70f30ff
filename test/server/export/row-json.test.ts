import { beforeAll, describe, expect, test } from "vitest";
import { readCatalog } from "../../../server/database/catalog.ts";
import { openSession, quoteIdent } from "../../../server/database/session.ts";
import { copyRows } from "../../../server/export/copy-rows.ts";
import { copyQuery } from "../../../server/export/table-query.ts";
import { exactValue } from "../../../server/export/value-sql.ts";
import type { ResolvedTable } from "../../../server/scope/resolve-scope.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";

const db = useDatabase();
let database: TestDatabase;

const text = [
  "",
  "a",
  'say "so"',
  "back\\slash",
  "\\N",
  "\\",
  "tab\tnewline\nreturn\rfeed\fback\bvertical\v",
  "\u0001\u001f\u007f",
  "größe 日本語 \u{1f600} \u2028",
];
const values: Record<string, (string | null)[]> = {
  text,
  "varchar(40)": text,
  "char(9)": ["a", "", " b"],
  name: ["a", 'q"q'],
  uuid: ["00000000-0000-4000-8000-0000000000ff"],
  inet: ["::1", "10.0.0.0/8"],
  macaddr: ["08:00:2b:01:02:03"],
  bool: ["true", "false"],
  int2: ["-32768"],
  int4: ["0", "-1"],
  int8: ["9007199254740993", "-9223372036854775808"],
  float4: ["1e20", "-0", "NaN", "Infinity", "0.1"],
  float8: ["1e-300", "-Infinity", "NaN", "123456789012345680"],
  numeric: ["10.00", "NaN", "Infinity", "-Infinity", "0.00000000000000000000000000000000000001", "-5"],
  json: ['{"a":1}', '{ "b" :\n\t[1,\r\n 2] }', '"\\n\\u0041\\\\"', "null", "1.50", '{"a":"\\t","a":2}'],
  jsonb: ['{"n":123456789012345678901234567890.10, "t": "\\u00e9\\n\\"\\\\"}', "null", "[]"],
  bytea: ["\\x00ff5c0a09", "\\x"],
  date: ["2026-01-02", "infinity", "-infinity", "0044-03-15 BC", "5874897-12-31"],
  timestamp: ["2026-01-02 03:04:05.000001", "infinity", "-infinity", "0044-03-15 01:02:03 BC", "294276-12-31 23:59:59.999999"],
  timestamptz: ["2026-01-02 03:04:05.6+05:30", "infinity", "-infinity", "0044-03-15 01:02:03.5+00 BC", "12026-01-01 00:00:00+00"],
  time: ["03:04:05.000001", "24:00:00"],
  timetz: ["03:04:05+05:30"],
  interval: ["1 year -2 days 03:04:05.6", "0"],
  "int4[]": ["{1,NULL,3}", "{}", "{{1,2},{3,4}}"],
  "text[]": ['{"a,b","c\\"d",NULL,"\\\\"}', null],
  "timestamptz[]": ["{2026-01-02 03:04:05+00}"],
  int4range: ["[1,5)", "empty"],
  "bit(3)": ["101"],
  xml: ["<a>1 &lt; 2</a>"],
  tsvector: ["'a':1 'b':2"],
  point: ["(1,2)"],
  money: ["1.50"],
  '"char"': ["x"],
  mood: ["so so", 'a "quoted" mood'],
  dimension: ["7.50", "NaN"],
  stamp: ["2026-01-02 03:04:05+00"],
  pair: ['(1,"a\\"b")', "(,)"],
};

const places = 9;

beforeAll(async () => {
  database = await db.create();
  await database.sql.unsafe(`
    create type mood as enum ('so so', 'a "quoted" mood');
    create domain dimension as numeric(9, 2);
    create domain stamp as timestamptz;
    create type pair as (n int, "the text" text);
    create table "odd ""values""" (id int primary key,
      ${Object.keys(values)
        .map((type, i) => `"column ""${i}"" é\\" ${type}`)
        .join(", ")})`);
  for (let row = 0; row < places; row++) {
    const literals = Object.entries(values).map(([type, list]) => {
      const value = list[row % (list.length + 1)];
      return value === undefined || value === null
        ? "null"
        : `E'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'::${type}`;
    });
    await database.sql.unsafe(`insert into "odd ""values""" values (${row}, ${literals.join(", ")})`);
  }
});

async function exported(rewrite: Record<string, string> = {}) {
  const session = await openSession(database.sql);
  try {
    const catalog = [...(await readCatalog(session.sql)).tables.values()][0]!;
    const columns = catalog.columns;
    const scope = { columns: columns.map((column) => column.name), rewrite };
    const table: ResolvedTable = { key: "t", scope, catalog, columns, foreignKeys: [] };
    let body = "";
    const decoder = new TextDecoder("utf-8", { fatal: true });
    for await (const block of copyRows(session.sql, table).body) body += decoder.decode(block, { stream: true });
    const values = columns.map((column) => `${exactValue(column, `t.${quoteIdent(column.name)}`)} as ${quoteIdent(column.name)}`);
    const expected = await session.sql.unsafe(`select row_to_json(v)::text as row from (
      select ${values.join(", ")} from "odd ""values""" t order by id) v`);
    return { body, expected: expected.map((row) => row["row"] as string), query: copyQuery(table) };
  } finally {
    await session.end();
  }
}

describe("rows leave as row_to_json would write them", () => {
  test("byte for byte, whatever the type", async () => {
    const { body, expected, query } = await exported();
    const rows = body.split("\n").slice(1, -2);
    expect(rows.map((row) => row.replace(/,$/, ""))).toEqual(expected);
    // Types of both kinds are among them: made here, and made by PostgreSQL.
    expect(query.statement).toContain("to_json");
    expect(query.columns.filter(({ form }) => form !== "json").length).toBeGreaterThan(20);
  });

  test("and rewritten columns as JSON of what the expression gives", async () => {
    const { body } = await exported({ id: "case when id = 0 then 'none' else id::text end" });
    expect((JSON.parse(body) as { id: unknown }[]).slice(0, 2).map((row) => row.id)).toEqual(["none", "1"]);
  });
});
