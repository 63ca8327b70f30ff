import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../../engine/bytes.ts";
import { openCopyIn } from "../../../server/database/copy-in.ts";
import { CopyText, type ValueForm } from "../../../server/import/copy-text.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";

const db = useDatabase();
let database: TestDatabase;

beforeAll(async () => {
  database = await db.create();
  await database.sql`create table v (n int, t text, a text[], j json, i int[][])`;
});

function encode(json: string, form: ValueForm): string {
  const text = new CopyText(16);
  const bytes = utf8(json);
  text.value(bytes, 0, bytes.length, form);
  return new TextDecoder().decode(text.take());
}

/** What PostgreSQL reads from the COPY text of each value, as JSON. */
async function throughCopy(values: readonly unknown[], form: ValueForm, column: string): Promise<unknown[]> {
  await database.sql`truncate v`;
  const sink = await openCopyIn(database.sql, `copy v (n, ${column}) from stdin`);
  const text = new CopyText();
  values.forEach((value, n) => {
    const bytes = utf8(JSON.stringify(value));
    text.ascii(String(n));
    text.separator();
    text.value(bytes, 0, bytes.length, form);
    text.endRow();
  });
  sink.end(text.take());
  await new Promise((resolve, reject) => sink.once("finish", resolve).once("error", reject));
  const rows = await database.sql.unsafe(`select to_json(${column})::text as value from v order by n`);
  return rows.map((row) => (row["value"] === null ? null : JSON.parse(row["value"])));
}

/** PostgreSQL stores no U+0000 and no half of a surrogate pair. */
const storable = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "").toWellFormed());
const hostile = [
  "",
  "\\",
  "\\N",
  "\\.",
  "a\tb\nc\rd\be\ff\vg",
  '"',
  "'",
  "{a,b}",
  "NULL",
  "\u{1f600}é\u2028",
  "\\\\u0041",
  "\x7f\x01",
];

describe("JSON values become COPY text", () => {
  test("strings come back as they were", async () => {
    const values = [...hostile, ...fc.sample(storable, 300)];
    expect(await throughCopy(values, "scalar", "t")).toEqual(values);
  });

  test("so do arrays of strings, with NULLs, empty and nested", async () => {
    const items = fc.array(fc.option(storable), { maxLength: 5 });
    const values = [[], [null], hostile, ["NULL", null], ...fc.sample(items, 200)];
    expect(await throughCopy(values, "array", "a")).toEqual(values);
    const nested = [
      [
        [1, 2],
        [3, null],
      ],
      [[-5]],
      [],
    ];
    expect(await throughCopy(nested, "array", "i")).toEqual(nested);
  });

  test("and documents, whatever they hold", async () => {
    const values = [{ a: hostile }, hostile, 1, "x", ...fc.sample(fc.dictionary(storable, storable), 100)];
    expect(await throughCopy(values, "json", "j")).toEqual(values);
  });

  test("numbers keep every digit", () => {
    for (const digits of ["9007199254740993", "10.00", "-0.0", "1e400", `0.${"1234567890".repeat(20)}`]) {
      expect(encode(digits, "scalar")).toBe(digits);
      expect(encode(`{"n":${digits}}`, "json")).toBe(`{"n":${digits}}`);
    }
  });

  test("escapes are resolved where PostgreSQL would not", () => {
    expect(encode('"\\u00e9\\ud83d\\ude00\\/\\u000a\\u005c"', "scalar")).toBe("é\u{1f600}/\\n\\\\");
  });

  test("null is NULL, but for a document that must be there", () => {
    expect(encode("null", "scalar")).toBe("\\N");
    expect(encode("null", "array")).toBe("\\N");
    expect(encode("null", "json")).toBe("\\N");
    expect(encode("null", "json-required")).toBe("null");
  });

  test.each(['"\\u0000"', '"\\ud800"', '"\\udc00x"', '["\\u0000"]'])("%s is refused", (json) => {
    expect(() => encode(json, json.startsWith("[") ? "array" : "scalar")).toThrow("cannot be stored");
  });
});
