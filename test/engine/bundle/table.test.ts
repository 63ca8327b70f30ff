import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTable } from "../../../engine/bundle/read-table.ts";
import { TableText } from "../../../engine/bundle/table-text.ts";
import { concat, utf8 } from "../../../engine/bytes.ts";
import { RowLines } from "../../../engine/ndjson/row-lines.ts";

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Seen {
  text: string;
  row: number;
  line: number;
}

async function read(text: string | Uint8Array, size = 1 << 20, rowBytes = 1 << 20): Promise<Seen[]> {
  const seen: Seen[] = [];
  const visitor = {
    row: (bytes: Uint8Array, _: unknown, { row, line }: { row: number; line: number }, start: number, end: number) => {
      seen.push({ text: new TextDecoder().decode(bytes.subarray(start, end)), row, line });
    },
  };
  await readTable(cut(typeof text === "string" ? utf8(text) : text, size), "data/t.json", visitor, rowBytes);
  return seen;
}

function canonical(rows: readonly string[], blockBytes = 64): Uint8Array {
  const text = new TableText(() => new Uint8Array(blockBytes));
  for (const row of rows) text.add(utf8(row));
  text.end();
  const blocks = [...text.blocks()];
  expect(blocks.slice(0, -1).every((block) => block.length === blockBytes)).toBe(true);
  return concat(blocks);
}

const rows = ['{"id":1,"t":"a,\\"]}[{"}', "{}", '{"n":[{"x":null}],"é":"\u{1f600}"}', '{"big":9007199254740993}'];

describe("table text", () => {
  test("is valid JSON, one row a line", () => {
    const text = new TextDecoder().decode(canonical(rows));
    expect(text).toBe(`[\n${rows.join(",\n")}\n]\n`);
    expect(JSON.parse(text)).toHaveLength(4);
    expect(new TextDecoder().decode(canonical([]))).toBe("[\n]\n");
  });

  test("comes back row by row, however it is cut", async () => {
    const bytes = canonical(rows);
    for (let size = 1; size <= bytes.length; size++) {
      const seen = await read(bytes, size);
      expect(seen.map(({ text }) => text)).toEqual(rows);
      expect(seen.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
    }
  });

  test("becomes lines and is the same however it is cut", () => {
    const bytes = canonical(rows);
    for (let size = 1; size <= bytes.length; size++) {
      const lines = new RowLines();
      const parts: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) parts.push(lines.take(bytes.subarray(at, at + size)).slice());
      expect(new TextDecoder().decode(concat(parts))).toBe(rows.map((row) => `${row}\n`).join(""));
      expect(lines.count).toBe(4);
    }
  });

  test("of other producers may have any white space", async () => {
    const pretty = JSON.stringify(
      rows.map((row) => JSON.parse(row)),
      null,
      3,
    );
    for (const size of [1, 7, 4096]) {
      const seen = await read(`\r\n\t${pretty} \n`, size);
      expect(seen.map(({ text }) => JSON.parse(text))).toEqual(JSON.parse(pretty));
      expect(seen[1]!.line).toBe(7);
    }
  });

  test("of random rows comes back", async () => {
    const row = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 20 }), fc.integer({ min: 1, max: 200 }), async (texts, size) => {
        expect((await read(canonical(texts), size)).map(({ text }) => text)).toEqual(texts);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a bad table names its row and line", () => {
  test.each([
    ["", "begin with ["],
    ["[", "missing"],
    ["{}", "begin with ["],
    ['[{"a":1}', "missing"],
    ["[\n{},\n]\n", "behind the comma"],
    ["[{}{}]", "expected , or ]"],
    ["[1]", "expected a row object"],
    ["[\n]\nx", "follows"],
    ['[\n{"a":01}\n]', "leading zero"],
    ['[\n{"a":1,}\n]', "quoted key"],
  ])("%j", async (text, message) => {
    for (const size of [1, 100]) {
      await expect(read(text, size)).rejects.toMatchObject({ code: "SCHEMA_ROW", message: expect.stringContaining(message) });
    }
  });

  test("a row above the limit, whole or in pieces", async () => {
    const large = `[\n{},\n{"a":"${"x".repeat(5000)}"}\n]\n`;
    for (const size of [64, 1 << 20]) {
      await expect(read(large, size, 4096)).rejects.toMatchObject({ code: "LIMIT_ROW_BYTES", details: { row: 2 } });
      await expect(read(large, size, 8192)).resolves.toHaveLength(2);
    }
  });
});
