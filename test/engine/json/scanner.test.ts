import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../engine/bytes.ts";
import { parseDocument } from "../../../engine/json/parse-document.ts";
import { incomplete, JsonSyntaxError, skipValue } from "../../../engine/json/scanner.ts";

/** The scanner's verdict on text that is one value and a space: a number at the very end would wait for more digits. */
function accepts(bytes: Uint8Array): boolean {
  try {
    return skipValue(bytes, 0, bytes.length) === bytes.length - 1;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return false;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("the JSON scanner", () => {
  test("accepts what JSON.parse accepts", () => {
    fc.assert(
      fc.property(fc.json(), (json) => accepts(utf8(`${json} `))),
      { numRuns: 500 },
    );
  });

  test("and nothing else: values with one character changed", () => {
    const damaged = fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:0123456789.eE+-\\utrfn \n\u0001\u00e9x'));
    fc.assert(
      fc.property(damaged, ([json, at, character]) => {
        const place = at % (json.length + 1);
        const text = json.slice(0, place) + character + json.slice(place + 1);
        // Space around the value is not the scanner's.
        fc.pre(text.trim() === text && text !== "");
        expect(accepts(utf8(`${text} `)), text).toBe(parses(text));
      }),
      { numRuns: 3000 },
    );
  });

  test("waits for more wherever a value is cut", () => {
    const text = '{"a":[1.5e-3,true,null,"\\u00e9é\\n"],"b":{"c":-0}}';
    const bytes = utf8(text);
    for (let end = 0; end < bytes.length; end++) expect(skipValue(bytes, 0, end), text.slice(0, end)).toBe(incomplete);
    expect(skipValue(bytes, 0, bytes.length)).toBe(bytes.length);
  });

  test.each([
    ["an overlong form", [0x22, 0xc0, 0xaf, 0x22, 0x20]],
    ["a surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22, 0x20]],
    ["more than U+10FFFF", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22, 0x20]],
    ["a lone continuation", [0x22, 0x80, 0x22, 0x20]],
    ["a cut sequence", [0x22, 0xe2, 0x82, 0x22, 0x20]],
  ])("refuses %s of UTF-8", (_, bytes) => {
    expect(accepts(Uint8Array.from(bytes))).toBe(false);
  });

  test("gives up on nesting before the stack does", () => {
    const deep = (levels: number) => utf8(`${"[".repeat(levels)}${"]".repeat(levels)} `);
    expect(accepts(deep(512))).toBe(true);
    expect(accepts(deep(100_000))).toBe(false);
  });
});

describe("a document from outside", () => {
  test("is what JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(JSON.parse(JSON.stringify(parseDocument(utf8(json))))).toEqual(JSON.parse(json));
      }),
      { numRuns: 500 },
    );
  });

  test("may not repeat a key, at any depth", () => {
    expect(() => parseDocument(utf8('{"a":1,"a":2}'))).toThrow("twice");
    expect(() => parseDocument(utf8('{"x":[{"a":1,"\\u0061":2}]}'))).toThrow("twice");
  });

  test("has no prototype to pollute", () => {
    const parsed = parseDocument(utf8('{"__proto__":{"admin":true}}')) as Record<string, unknown>;
    expect(Object.getPrototypeOf(parsed)).toBeNull();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test("ends where it ends", () => {
    expect(() => parseDocument(utf8("{} {}"))).toThrow("follows");
    expect(() => parseDocument(utf8("[1,"))).toThrow(JsonSyntaxError);
    expect(() => parseDocument(utf8(""))).toThrow(JsonSyntaxError);
  });
});
