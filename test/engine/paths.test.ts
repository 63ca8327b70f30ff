import { describe, expect, it } from "vitest";
import { BackupError } from "../../engine/errors.ts";
import { assertNoCollisions, assertPath, collisionKey, decodePath, printableName, safeObjectName } from "../../engine/paths.ts";

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BackupError) return error.code;
    throw error;
  }
  return "accepted";
}

describe("names", () => {
  const cases: Record<string, string[]> = {
    accepted: [
      "a",
      "a/b",
      "a/b/",
      ".hidden",
      "a/.b",
      "..a",
      "a..b",
      "größe",
      "日本語.txt",
      "e\u0301",
      "❤️.png",
      "__proto__",
      "100%25.txt",
      "com10",
      "console",
      "a b",
      "~",
      "$x",
      "x".repeat(255),
      `${"d/".repeat(127)}x`,
      "…und so weiter",
      "½",
    ],
    PATH_ABSOLUTE: ["/a", "//host/share", "\\\\host\\share", "\\\\?\\C:\\x", "C:\\x", "C:/x", "c:x"],
    PATH_TRAVERSAL: ["..", "../a", "a/../b", "a/..", "a\\..\\b", ".", "./a", "a/./b", "a//b", "a//"],
    PATH_RESERVED: [
      "",
      "/",
      " ",
      "a\\b",
      "ab:c",
      "ab::$DATA",
      "a.",
      "a ",
      "a./b",
      "...",
      "a/.. ",
      "con",
      "NUL.txt",
      "nul .txt",
      "aux/x",
      "COM1",
      "COM¹",
      "lpt9.log",
      "CONIN$",
      "a?",
      "a*",
      "a<b",
      "a|b",
      'a"b',
      "x".repeat(256),
      "€".repeat(100),
      `${"d/".repeat(128)}x`,
      "a/".repeat(3000),
    ],
    PATH_ENCODING: [
      "a\0",
      "a\nb",
      "a\x1bb",
      "a\x7f",
      "a\x85",
      "a\u202eb",
      "a\u2066",
      "a\u200bb",
      "a\u200d",
      "\ufeffa",
      "a\u00adb",
      "..%2fa",
      "%2e%2e",
      "a%5Cb",
      "a%00",
      "%252e",
      "..\u2215a",
      "..\u2044a",
      "..\uff0fa",
      "\uff0e\uff0e/a",
      "a\uff3cb",
      "C\uff1a/a",
      "\u2025",
      "a\u2028b",
      "\ud800",
    ],
  };
  for (const [expected, names] of Object.entries(cases)) {
    for (const name of names)
      it(`${expected}: ${JSON.stringify(name.slice(0, 40))}`, () => expect(codeOf(() => assertPath(name))).toBe(expected));
  }

  it("must be valid UTF-8", () => {
    for (const bytes of [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80], [0xff], [0x80]]) {
      expect(codeOf(() => decodePath(Uint8Array.from(bytes)))).toBe("PATH_ENCODING");
    }
    expect(decodePath(new TextEncoder().encode("größe"))).toBe("größe");
  });

  it("reach messages without what could act on a terminal", () => {
    expect(printableName("a\x1b[2Jb\u202ec")).toBe("a\\u{1b}[2Jb\\u{202e}c");
  });
});

describe("collisions", () => {
  const clashes = [
    ["a", "a"],
    ["A", "a"],
    ["a", "a/b"],
    ["a/b", "a"],
    ["a", "a/"],
    ["A/x", "a"],
    ["straße", "STRASSE"],
    ["ẞ", "ss"],
    ["ς", "Σ"],
    ["é", "e\u0301"],
    ["\u212b", "å"],
    ["ﬁle", "file"],
    ["ａ", "a"],
    ["q\u0307\u0323", "q\u0323\u0307"],
    ["가", "\u1100\u1161"],
    ["K", "\u212a"],
    ["x/É", "X/e\u0301"],
    ["❤️", "❤"],
  ];
  for (const paths of clashes)
    it(`${paths.join(" and ")} clash`, () => expect(codeOf(() => assertNoCollisions(paths))).toBe("PATH_DUPLICATE"));

  it("leaves alone what no system confuses", () => {
    assertNoCollisions(["a/", "a/b", "a/b.c", "a.b", "a b", "a-b", "a/c/d", "ab", "b/a", "__proto__", "constructor"]);
    expect(collisionKey("A/b/")).toBe("a\0b");
  });

  it("takes no quadratic time on deep paths", () => {
    const paths = Array.from({ length: 20_000 }, (_, i) => `${"d/".repeat(100)}${i}`);
    const start = performance.now();
    assertNoCollisions(paths);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe("safeObjectName", () => {
  const cases: [string, string][] = [
    ["report.pdf", "report.pdf"],
    ["größe.txt", "größe.txt"],
    ["e\u0301.txt", "é.txt"],
    ["a/b\\c.txt", "a_b_c.txt"],
    ["../../etc/passwd", ".._.._etc_passwd"],
    ["", "object"],
    ["..", "_"],
    ["con.txt", "_con.txt"],
    ["a\0b", "a_b"],
    ["a:b", "a_b"],
    ["name. ", "name_"],
    ["100%2f", "100_2f"],
    ["\ud800.png", "_.png"],
  ];
  for (const [name, expected] of cases)
    it(`${JSON.stringify(name)} becomes ${expected}`, () => expect(safeObjectName(name)).toBe(expected));

  it("gives a name that passes the rules, of at most 100 bytes, whatever it is given", () => {
    const awkward = [
      "..",
      "…",
      "\u202e",
      "CON",
      ".",
      " ",
      "%2e",
      "日本語",
      "\uff0f",
      "a",
      "/",
      "é",
      "❤️",
      "x".repeat(300),
      ".tar.gz",
      "\ud83d",
    ];
    for (const a of awkward) {
      for (const b of awkward) {
        for (const c of awkward) {
          const safe = safeObjectName(a + b + c);
          expect(
            codeOf(() => assertPath(`files/1/${safe}`)),
            JSON.stringify(a + b + c),
          ).toBe("accepted");
          expect(new TextEncoder().encode(safe).length).toBeLessThanOrEqual(100);
          expect(safeObjectName(safe)).toBe(safe);
        }
      }
    }
  });

  it("keeps the extension of a long name", () => {
    expect(safeObjectName(`${"ü".repeat(200)}.jpeg`)).toMatch(/^ü+\.jpeg$/);
  });
});
