import { expect, test } from "vitest";
import { RowFields, scanRow } from "../../../engine/json/row.ts";
import type { CatalogColumn } from "../../../server/database/catalog.ts";
import { KeyOrder } from "../../../server/import/key-order.ts";

const column = (type: string) => ({ type }) as CatalogColumn;
const uuid = (text: string) => `"${text.padEnd(8, "0")}-0000-4000-8000-000000000000"`;

function ascends(types: string[], rows: string[][]): boolean {
  const order = new KeyOrder(types.map(column));
  const fields = new RowFields();
  for (const values of rows) {
    const bytes = new TextEncoder().encode(`{${values.map((value, i) => `"c${i}":${value}`).join(",")}}`);
    scanRow(bytes, 0, bytes.length, fields);
    order.next(
      bytes,
      fields,
      types.map((_, i) => i),
      Int32Array.from(types.map((_, i) => i)),
    );
  }
  return order.ascending;
}

test.each<[string, string[], string[][], boolean]>([
  ["numbers", ["bigint"], [["0"], ["9"], ["10"], ["9007199254740993"], ["9007199254740994"]], true],
  ["a number twice", ["integer"], [["1"], ["1"]], false],
  ["numbers out of order", ["integer"], [["10"], ["9"]], false],
  ["negative numbers are not looked at", ["integer"], [["-2"], ["-1"]], false],
  ["another way to write a number", ["integer"], [["1"], ["1.0"]], false],
  ["uuids", ["uuid"], [[uuid("0a")], [uuid("0b")], [uuid("f")]], true],
  ["a uuid twice", ["uuid"], [[uuid("0a")], [uuid("0a")]], false],
  ["a uuid in upper case", ["uuid"], [[uuid("0A")], [uuid("0a")]], false],
  ["a uuid without hyphens", ["uuid"], [[`"${"0".repeat(32)}"`]], false],
  ["null", ["uuid"], [["null"]], false],
  [
    "two columns",
    ["uuid", "integer"],
    [
      [uuid("1"), "7"],
      [uuid("1"), "8"],
      [uuid("2"), "1"],
    ],
    true,
  ],
  [
    "two columns twice",
    ["uuid", "integer"],
    [
      [uuid("1"), "7"],
      [uuid("1"), "7"],
    ],
    false,
  ],
  ["texts have an order of their own", ["text"], [['"a"'], ['"b"']], false],
])("%s", (_name, types, rows, expected) => {
  expect(ascends(types, rows)).toBe(expected);
});
