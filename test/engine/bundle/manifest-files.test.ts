import { describe, expect, it } from "vitest";
import {
  formatManifest,
  type Manifest,
  type ManifestFile,
  parseManifest,
  readManifest,
} from "../../../engine/bundle/manifest.ts";
import { findFiles } from "../../../engine/bundle/manifest-files.ts";
import { concat, utf8 } from "../../../engine/bytes.ts";

const sha256 = "0123456789abcdef".repeat(4);
const carried: ManifestFile = {
  id: "f1",
  path: "files/f1/größe.txt",
  name: 'a "quoted" \\ name \u{1f600}',
  object_key: "k/1",
  size: 12,
  sha256,
  content_type: "text/plain",
  stored: "bundle",
};
const elsewhere: ManifestFile = {
  id: "f2",
  path: null,
  object_key: "k/2",
  size: null,
  sha256: null,
  content_type: null,
  stored: "external",
};

function manifestOf(files: readonly object[]): Manifest {
  return {
    format: "holdall-bundle",
    format_version: 1,
    app: { name: "app", version: "1" },
    scope: { name: "scope", version: 1, fingerprint: "f" },
    created_at: "2026-01-02T03:04:06Z",
    options: {},
    table_counts: { a: 1 },
    tables: [{ name: "a", columns: ["id"], rows: 1, bytes: 20 }],
    files: files as ManifestFile[],
    warnings: ["one"],
    unknown: { kept: [1, 2] },
  } as Manifest;
}

const textOf = (manifest: Manifest) => concat([...formatManifest(manifest)]);

describe("the files of a manifest", () => {
  it("are counted and paged from their text, and are the same list as when all is parsed", () => {
    for (const count of [0, 1, 2, 63, 64, 65, 1000]) {
      const files = Array.from({ length: count }, (_, i) => ({ ...(i % 3 === 0 ? elsewhere : carried), id: `f${i}` }));
      const text = textOf(manifestOf(files));
      expect(findFiles(text), `${count} files`).toBeDefined();
      const { manifest, files: found } = readManifest(text);
      const external = Math.ceil(count / 3);
      expect(found.counts).toEqual({ bundle: count - external, external, missing: 0, bytes: (count - external) * 12 });
      expect(found.length).toBe(count);
      for (const [from, many] of [
        [0, 2],
        [1, 1],
        [count - 1, 5],
        [count, 5],
        [0, count],
      ] as const)
        expect(found.page(Math.max(0, from), many)).toEqual(files.slice(Math.max(0, from), Math.max(0, from) + many));
      expect(manifest).toEqual(manifestOf(files));
      expect(textOf(manifest)).toEqual(text);
    }
  });

  it("are read the slow way where they are not as Holdall writes them, with the same outcome", () => {
    const odd = [
      { ...carried, size: 1e3 },
      { ...carried, more: { a: 1 } },
      { ...carried, id: "\u0000" },
    ];
    for (const file of odd) {
      const text = textOf(manifestOf([elsewhere, file]));
      expect(readManifest(text).files.page(0, 5)).toEqual([elsewhere, file]);
      expect(parseManifest(text).files).toEqual([elsewhere, file]);
    }
    const exponent = utf8(new TextDecoder().decode(textOf(manifestOf([carried]))).replace('"size":12', '"size":12e0'));
    expect(findFiles(exponent)).toBeUndefined();
    expect(readManifest(exponent).files.counts.bytes).toBe(12);
  });

  it("are refused as ever where one of them is wrong", () => {
    const plain = new TextDecoder().decode(textOf(manifestOf([elsewhere, carried])));
    const wrong: [string, string][] = [
      ['"size":12', '"size":-1'],
      ['"size":12', '"size":1.5'],
      ['"size":12', '"size":"12"'],
      ['"size":12', '"size":99999999999999999999'],
      [sha256, sha256.toUpperCase()],
      [sha256, sha256.slice(1)],
      ['"id":"f1"', '"id":""'],
      ['"id":"f1"', '"id":null'],
      ['"stored":"bundle"', '"stored":"bundles"'],
      ['"stored":"bundle"', '"stored":"bundle","stored":"bundle"'],
      ['"object_key":"k/1",', ""],
      ['"content_type":null', '"content_type":1'],
      ['"files": [', '"files": {'],
      ['"warnings"', '"files": [], "warnings"'],
      ['"warnings"', '"warnings": 1, "warnings"'],
      ['"one"\n', '"one",\n'],
    ];
    for (const [from, to] of wrong) {
      expect(plain).toContain(from);
      expect(() => parseManifest(utf8(plain.replace(from, to))), to).toThrow(
        expect.objectContaining({ code: "SCHEMA_MANIFEST" }),
      );
    }
  });
});
