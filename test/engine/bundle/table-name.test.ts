import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { roleOf, tablePath } from "../../../engine/bundle/layout.ts";
import { assertPath } from "../../../engine/paths.ts";

describe("every table has one path that every system reads alike", () => {
  test.each([
    ["assets", "data/assets.json"],
    ["sales.Order", "data/sales.Order.json"],
    ["größe таблица 表", "data/größe таблица 表.json"],
    ["a=b", "data/a=3Db.json"],
    ["x/y", "data/x=2Fy.json"],
    ['"a.b"', "data/=22a.b=22.json"],
    ["c:d é", "data/c=3Ad=20=C3=A9.json"],
    ["aux", "data/=61ux.json"],
    ["new\nline", "data/new=0Aline.json"],
    ["%2e%2e", "data/=252e=252e.json"],
  ])("%j", (table, path) => {
    expect(tablePath(table)).toBe(path);
    expect(roleOf(path)).toEqual({ kind: "table", table });
  });

  test("whatever a table is named", () => {
    const names = fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).map((name) => name.toWellFormed());
    fc.assert(
      fc.property(names, (table) => {
        const path = tablePath(table);
        expect(() => assertPath(path)).not.toThrow();
        expect(roleOf(path)).toEqual({ kind: "table", table });
      }),
    );
  });

  test.each(["data/=61ssets.json", "data/x=2fy.json", "data/=.json", "data/=FF.json", "data/a=b.json"])(
    "%s is another spelling, or none",
    (path) => {
      expect(roleOf(path)).toBeNull();
    },
  );
});
