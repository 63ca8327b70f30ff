import { expect, test } from "vitest";
import { readCatalog } from "../../../server/database/catalog.ts";
import { checkScope } from "../../../server/scope/check-scope.ts";
import { defineScope, type Scope } from "../../../server/scope/define-scope.ts";
import { KeySet, normalKey, withoutKeys } from "../../../server/scope/without-keys.ts";
import { withoutKeysSql } from "../../../server/scope/without-keys-sql.ts";
import { useDatabase } from "../../support/database.ts";

const db = useDatabase();
const keys = ["api_key", "password", "token", "ta.gs+"];
const set = new KeySet(keys);
const encoder = new TextEncoder();

function strip(text: string): string {
  const bytes = encoder.encode(`[${text}]`);
  const kept = withoutKeys(bytes, 1, bytes.length - 1, set);
  return kept === null ? text : new TextDecoder().decode(kept);
}

/** What it comes to, by way of JavaScript's own objects. */
function expected(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value !== "object" || value === null) return value;
  const normal = new Set(keys.map(normalKey));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (normal.has(normalKey(key)) ? [] : [[key, expected(item)]])),
  );
}

const names = [
  "id",
  "Password",
  "pass-word",
  "passwords",
  "TOKEN",
  "api key",
  "apiKey",
  "API-KEY",
  "-token",
  "t",
  "",
  "ta.gs+",
  "taXgs+",
  'to"ken',
];

function document(random: () => number, depth = 0): unknown {
  const kind = Math.floor(random() * (depth > 4 ? 4 : 7));
  const size = Math.floor(random() * 4);
  if (kind > 4) return Array.from({ length: size }, () => document(random, depth + 1));
  if (kind > 3)
    return Object.fromEntries(
      Array.from({ length: size + 1 }, () => [names[Math.floor(random() * names.length)], document(random, depth + 1)]),
    );
  return ["password", -1.5e-7, null, true, 'a "token": "b" \\'][Math.floor(random() * 5)];
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

test("bytes, SQL and JavaScript's own objects come to the same, at any depth and in any spelling", async () => {
  const random = seeded(7);
  const documents = Array.from({ length: 400 }, () => document(random));
  const { sql } = await db.create();
  const rows = await sql.unsafe(
    `select (${withoutKeysSql("d", keys)})::text as kept, d::text as text from json_array_elements($1::text::json) with ordinality j(item, n), lateral (select item::text::jsonb as d) x order by n`,
    [JSON.stringify(documents)],
  );
  let changed = 0;
  for (const [i, item] of documents.entries()) {
    const text = JSON.stringify(item);
    const kept = JSON.parse(strip(text));
    expect(kept, text).toEqual(expected(item));
    expect(JSON.parse(rows[i]!["kept"]), text).toEqual(expected(item));
    expect(JSON.parse(strip(rows[i]!["text"])), text).toEqual(expected(item));
    if (strip(text) !== text) changed++;
  }
  expect(changed).toBeGreaterThan(50);
});

test("a column that has no jsonb is a problem of the scope", async () => {
  const { sql } = await db.create();
  await sql.unsafe("create table notes (id int primary key, doc jsonb, text json)");
  const scope = (withoutKeys: Record<string, string[]>): Scope =>
    defineScope({
      name: "notes",
      version: 1,
      app: { name: "notes", version: "1" },
      description: "",
      options: {},
      ignoredOptions: {},
      users: { table: "people", id: "id", email: "email", admin: "true" },
      tables: { notes: { columns: ["id", "doc", "text"], withoutKeys } },
      excludedTables: {},
    });
  const catalog = await readCatalog(sql);
  expect(checkScope(scope({ doc: keys }), catalog)).toEqual([]);
  expect(checkScope(scope({ text: keys }), catalog)).toMatchObject([{ kind: "keys_not_jsonb", column: "text" }]);
  expect(() => scope({ none: keys })).toThrow("none is not an included column");
});

test("an escaped key is the same key, white space and numbers stay as they are, a wrapped document is looked into", () => {
  expect(strip('{"p\\u0061ssword" : 1, "a" : 1.00 ,"b":[ 2 ]}')).toBe('{"a" : 1.00,"b":[2]}');
  expect(strip('{"a" : 1.00 , "b":[ 2 ]}')).toBe('{"a" : 1.00 , "b":[ 2 ]}');
  expect(strip('{"token":9007199254740993}')).toBe("{}");
  expect(strip('{"$json":"{\\"token\\":1,\\"a\\":9007199254740993}"}')).toBe('{"$json":"{\\"a\\":9007199254740993}"}');
  expect(strip('"token"')).toBe('"token"');
});
