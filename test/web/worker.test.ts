import { afterEach, describe, expect, it } from "vitest";
import { BundleClient } from "../../web/worker/client.ts";
import type { WorkProgress } from "../../web/worker/protocol.ts";
import { sampleBundle } from "./sample-bundle.ts";

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
