import { afterEach, describe, expect, it } from "vitest";
import { BundleClient } from "../../web/worker/client.ts";
import type { WorkProgress } from "../../web/worker/protocol.ts";
import { same } from "../engine/zip/content.ts";
import { fileContent, row, sampleBundle } from "./sample-bundle.ts";

let client = new BundleClient();
afterEach(async () => {
  await client.close();
  client = new BundleClient();
});

describe.each(["zip", "ndjson"] as const)("a %s bundle in the Worker", (container) => {
  it("is seen at once and found sound", async () => {
    const file = await sampleBundle({ container, rows: 5000, files: 40 });
    const seen = await client.open(file);
    expect(seen).toMatchObject({
      container,
      size: file.size,
      name: file.name,
      app: { name: "sample", version: "1.0" },
      createdAt: "2026-01-02T03:04:06Z",
      options: { include_files: true },
      files: { count: 40, external: 0, missing: 0, omitted: 0 },
      entries: 44,
      warnings: ["one warning"],
    });
    expect(seen.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ["assets", 5000],
      ["reports", 40],
    ]);
    const progress: WorkProgress[] = [];
    const found = await client.verify({ onProgress: (now) => progress.push(now) });
    expect(found.issues).toEqual([]);
    expect(found).toMatchObject({ valid: true, rows: { assets: 5000, reports: 40 }, entries: 44, bytes: seen.bytes });
    expect(found.checks.map(({ name, status }) => `${name} ${status}`)).toEqual(
      "structure names limits manifest listing contents hashes rows counts files".split(" ").map((name) => `${name} passed`),
    );
    expect(found.checks.find(({ name }) => name === "contents")!.examined).toBe(44);
    expect(found.checks.find(({ name }) => name === "rows")!.examined).toBe(5040);
  });
});

describe.each(["zip", "ndjson"] as const)("rows and files of a %s bundle", (container) => {
  it("are given by their number, from the head and from anywhere", async () => {
    const rows = 60_000; // too many to be kept in memory
    await client.open(await sampleBundle({ container, rows, files: 8 }));
    for (const from of [0, 3, 1990, 2500, 0, 511, 512, 513, 15_000, rows - 3]) {
      const page = await client.rows("assets", from, 7);
      expect(page.rows, `from ${from}`).toEqual(Array.from({ length: Math.min(7, rows - from) }, (_, i) => row(from + i)));
      expect(page).toMatchObject({ from, total: rows, cut: [] });
    }
    expect(await client.rows("assets", rows + 5, 7)).toMatchObject({ rows: [], total: rows });
    await expect(client.rows("nothing", 0, 1)).rejects.toMatchObject({ failure: { code: "REQUEST_INVALID" } });
    await expect(client.rows("assets", 0, 1001)).rejects.toMatchObject({ failure: { code: "REQUEST_INVALID" } });
  });

  it("cuts a row that is too long to be looked at", async () => {
    const long = (id: number) => `{"id":${id},"text":"${"x".repeat(id === 2 ? 300_000 : 10)}"}`;
    await client.open(await sampleBundle({ container, rows: 4, rowOf: long }));
    const page = await client.rows("assets", 1, 3);
    expect(page.rows.map((text) => text.length)).toEqual([long(1).length, 262_144, long(3).length]);
    expect(page.cut).toEqual([1]);
  });

  it("lists files and gives their content, whole or cut", async () => {
    await client.open(await sampleBundle({ container, files: 8, fileSize: (n) => (n === 3 ? 3_000_001 : 100) }));
    const { total, files } = await client.files(2, 3);
    expect([total, files.map(({ id, size, stored }) => [id, size, stored])]).toEqual([
      8,
      [
        ["f2", 100, "bundle"],
        ["f3", 3_000_001, "bundle"],
        ["f4", 100, "bundle"],
      ],
    ]);
    const whole = await client.fileBlob(files[1]!.path!, 10_000_000);
    expect(whole).toMatchObject({ size: 3_000_001, cut: false });
    expect(same(await whole.blob.bytes(), fileContent(3, 3_000_001))).toBe(true);
    const cut = await client.fileBlob(files[1]!.path!, 1000);
    expect([cut.size, cut.cut, await cut.blob.text()]).toEqual([3_000_001, true, await whole.blob.slice(0, 1000).text()]);
    await expect(client.fileBlob("manifest.json", 1000)).rejects.toMatchObject({ failure: { code: "REQUEST_INVALID" } });
  });
});

describe.each(["zip", "ndjson"] as const)("a thin bundle of a %s bundle", (container) => {
  it("is made of slices, the same ones again, and found sound without what it leaves out", async () => {
    const file = await sampleBundle({ container, files: 30, fileSize: () => 20_000 });
    const seen = await client.open(file);
    expect(seen.canThin).toBe(true);
    const { total, files } = await client.fileHashes(0, 100);
    expect([total, files.length]).toEqual([30, 30]);
    const omit = Uint32Array.from(files.filter(({ index }) => index % 10 !== 0).map(({ index }) => index));
    const thin = await client.thin(omit);
    expect(thin.omitted).toBe(27);
    const again = await client.thin(omit.slice().reverse());
    expect(again.fingerprint).toBe(thin.fingerprint);
    expect(await again.blob.bytes()).toEqual(await thin.blob.bytes());
    expect((await client.thin(omit.subarray(1))).fingerprint).not.toBe(thin.fingerprint);
    expect(await client.open(thin.blob)).toMatchObject({ thin: true, canThin: false, files: { count: 30, omitted: 27 } });
    expect(await client.verify()).toMatchObject({ valid: true, omitted: 27, issues: [] });
    expect((await client.files(0, 2)).files.map(({ stored }) => stored)).toEqual(["bundle", "omitted"]);
  });

  it("is the bundle itself where nothing is left out", async () => {
    const file = await sampleBundle({ container, files: 3 });
    await client.open(file);
    expect(await (await client.thin(new Uint32Array())).blob.bytes()).toEqual(new Uint8Array(await file.arrayBuffer()));
  });
});
