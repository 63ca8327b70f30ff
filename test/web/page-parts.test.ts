import { expect, test } from "vitest";
import { treemap } from "../../web/design/treemap.ts";
import { previewOf } from "../../web/file-preview.ts";
import { fieldsOf } from "../../web/json-fields.ts";
import { fromRanges, toRanges } from "../../web/unfinished.ts";

test("a treemap fills its area, box by box in proportion, and no two overlap", () => {
  const weights = [60, 25, 8, 4, 2, 1];
  const area = { x: 0, y: 0, width: 800, height: 200 };
  const boxes = treemap(weights, area);
  expect(boxes).toHaveLength(weights.length);
  for (const [i, { x, y, width, height }] of boxes.entries()) {
    expect(width * height).toBeCloseTo((weights[i]! / 100) * 800 * 200, 3);
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(800.001);
    expect(y + height).toBeLessThanOrEqual(200.001);
    for (const other of boxes.slice(i + 1)) {
      const across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x);
      const down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
      expect(Math.min(across, down)).toBeLessThan(0.001);
    }
  }
});

test.each([
  [
    '{"a":9007199254740993,"b":"x, \\"y\\" }","c":null}',
    [
      ["a", "9007199254740993", "other"],
      ["b", 'x, "y" }', "string"],
      ["c", "", "null"],
    ],
  ],
  [
    '{ "n" : {"deep":[1,{"x":"]}"}]} , "e":[] }',
    [
      ["n", '{"deep":[1,{"x":"]}"}]}', "other"],
      ["e", "[]", "other"],
    ],
  ],
  ['{"\\u00e9\\"":"\\u0041"}', [['é"', "A", "string"]]],
  ["{}", []],
  ["[1]", null],
  ['{"a":1', null],
  ["", null],
])("the fields of %s, with numbers as they stand", (json, expected) => {
  const fields = fieldsOf(json);
  expect(fields?.map(({ name, text, kind }) => [name, text, kind]) ?? null).toEqual(expected);
});

test.each([[[]], [[0]], [[0, 1, 2, 3]], [[0, 2, 4, 5, 6, 9]]])("indexes %j as ranges and back", (indexes) => {
  expect(fromRanges(toRanges(indexes))).toEqual(indexes);
});

const bytes = (...values: number[]) => new Blob([Uint8Array.from(values)]);

test("a file is shown as an image by its own first bytes, as text where it is text, and else not at all", async () => {
  const png = await previewOf(bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0));
  expect(png).toMatchObject({ kind: "image", type: "image/png" });
  expect(await previewOf(new Blob(["<svg onload='x'/>"], { type: "image/svg+xml" }))).toMatchObject({ kind: "text" });
  expect(await previewOf(new Blob(["<b>hi</b>"], { type: "text/html" }))).toMatchObject({
    kind: "text",
    text: "<b>hi</b>",
    cut: false,
  });
  expect(await previewOf(bytes(0xff, 0xfe, 0xfd))).toMatchObject({ kind: "none" });
  expect(await previewOf(bytes(0x41, 0x00))).toMatchObject({ kind: "none" });
  // Cut in the middle of a character.
  expect(await previewOf(new Blob([`a${"é".repeat(200_000)}`]))).toMatchObject({ kind: "text", cut: true });
});
