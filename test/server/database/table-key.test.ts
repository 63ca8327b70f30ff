import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTableKey, tableKey } from "../../../server/database/table-key.ts";

test.each([
  ["public", "assets", "assets"],
  ["sales", "Order", "sales.Order"],
  ["public", "a.b", '"a.b"'],
  ["a", "b", "a.b"],
  ["x.y", 'q"t', '"x.y"."q""t"'],
])("%s and %s is %s", (schema, name, key) => {
  expect(tableKey(schema, name)).toBe(key);
  expect(parseTableKey(key)).toEqual({ schema, name });
});

test("two tables never have one key", () => {
  const name = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(...'ab." \\') });
  fc.assert(
    fc.property(name, name, (schema, table) => {
      expect(parseTableKey(tableKey(schema, table))).toEqual({ schema, name: table });
    }),
  );
});
