import { afterEach, describe, expect, it } from "vitest";
import { commands } from "vitest/browser";
import { concat } from "../../engine/bytes.ts";
import { fflateCodec } from "../../engine/codec-fflate.ts";
import { BundleClient, type CallOptions, WorkerError } from "../../web/worker/client.ts";
import type { ExportRequest, PackProgress, WorkProgress } from "../../web/worker/protocol.ts";
import { same } from "../engine/zip/content.ts";
import { archiveBytes, archiveName, sampleArchive } from "../support/nodewarden.ts";
import { fileContent, row, sampleBundle } from "./sample-bundle.ts";

let client = new BundleClient();
afterEach(async () => {
  await client.close();
  client = new BundleClient();
});

/** One bundle of each container for all that need many rows: making them takes longer than most tests. */
const manyRows = 60_000;
const large = {
  zip: sampleBundle({ rows: manyRows, files: 8 }),
  ndjson: sampleBundle({ container: "ndjson", rows: manyRows, files: 8 }),
};

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

describe("rows of a table that a server has packed", () => {
  /** Two flushes in the block with this number, so that it is none. */
  const packed = (split: number) => {
    let number = 0;
    return async (bytes: Uint8Array, level: number) => {
      const middle = number++ === split ? 1000 : bytes.length;
      const deflated = await Promise.all(
        [bytes.subarray(0, middle), bytes.subarray(middle)]
          .filter(({ length }) => length > 0)
          .map((part) => fflateCodec.deflate(part, { level, final: false })),
      );
      return { bytes: concat(deflated), crc32: fflateCodec.crc32(bytes) };
    };
  };

  it.each([
    ["in blocks", Number.NaN],
    ["in blocks but for one", 3],
    ["in blocks but for the first", 0],
  ])("%s: are given from anywhere, before and after the check", async (_, split) => {
    const file = await sampleBundle({ rows: manyRows, packBlock: packed(split) });
    for (const checked of [false, true]) {
      await client.open(file);
      if (checked) expect((await client.verify()).issues).toEqual([]);
      for (const from of [manyRows - 3, 2500, 31_234, 31_800, 9000]) {
        const { rows, total } = await client.rows("assets", from, 5);
        expect(rows, `from ${from}`).toEqual(Array.from({ length: Math.min(5, manyRows - from) }, (_, i) => row(from + i)));
        expect(total).toBe(manyRows);
      }
    }
  });
});

describe.each(["zip", "ndjson"] as const)("rows and files of a %s bundle", (container) => {
  it("are given by their number, from the head and from anywhere", async () => {
    const rows = manyRows; // too many to be kept in memory
    await client.open(await large[container]);
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

describe("packing an export", () => {
  const addresses: string[] = [];
  afterEach(() => {
    for (const address of addresses.splice(0)) URL.revokeObjectURL(address);
  });

  function exported(stream: Blob, type = "application/x-ndjson"): ExportRequest {
    const url = URL.createObjectURL(new Blob([stream], { type }));
    addresses.push(url);
    return { url, method: "GET", headers: {} };
  }

  const sample = { rows: 20_000, files: 30, fileSize: (n: number) => (n === 4 ? 5_000_000 : 1000 * n) };
  const stream = sampleBundle({ container: "ndjson", ...sample });
  const small = sampleBundle({ container: "ndjson", rows: 500, files: 10 });

  it("gives a ZIP of the same content, hashed, in a private file", async () => {
    const progress: PackProgress[] = [];
    const onProgress = (now: PackProgress) => progress.push(now);
    const packed = await client.pack(exported(await stream), { privateName: "backup.zip" }, { onProgress });
    expect(packed).toMatchObject({ tables: 2, rows: 20_030, files: 30, warnings: ["one warning"] });
    const file = packed.file!;
    expect(file.size).toBe(packed.size);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    expect(packed.sha256).toBe(Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    expect(await client.open(file)).toMatchObject({ container: "zip", files: { count: 30 } });
    expect(await client.verify()).toMatchObject({ valid: true, issues: [], rows: { assets: 20_000, reports: 30 } });
    await client.discard("backup.zip");
  });

  it("writes into a file that was chosen", async () => {
    const root = await navigator.storage.getDirectory();
    const handle = await root.getFileHandle("chosen.zip", { create: true });
    const packed = await client.pack(exported(await stream), { handle });
    expect(packed.file).toBeNull();
    const file = await handle.getFile();
    expect(file.size).toBe(packed.size);
    await client.open(file);
    expect(await client.verify()).toMatchObject({ valid: true });
    await root.removeEntry("chosen.zip");
  });

  it("leaves nothing that looks complete when the stream is cut, fails or was changed", async () => {
    const stream = await small;
    const text = await stream.text();
    const changed = new Blob([text.replace('"kind":"host"', '"kind":"hosT"')]);
    const failed = new Blob([
      stream.slice(0, (await stream.bytes()).indexOf(10, 5000) + 1),
      '{"$error":{"code":"IO_DATABASE","message":"gone"}}\n',
    ]);
    const bad: [Blob, string][] = [
      [stream.slice(0, stream.size - 1), "STREAM_TRUNCATED"],
      [stream.slice(0, stream.size >> 1), "STREAM_TRUNCATED"],
      [stream.slice(0, 10), "STREAM_TRUNCATED"],
      [new Blob([stream, "x"]), "STREAM_BAD_RECORD"],
      [changed, "INTEGRITY_HASH"],
      [withFileChanged(await stream.bytes(), 1), "INTEGRITY_HASH"],
      [withFileChanged(await stream.bytes(), 9), "INTEGRITY_HASH"],
      [failed, "STREAM_FAILED"],
    ];
    const root = await navigator.storage.getDirectory();
    for (const [body, code] of bad) {
      const handle = await root.getFileHandle("cut.zip", { create: true });
      await expect(client.pack(exported(body), { handle })).rejects.toMatchObject({ failure: { code } });
      expect((await handle.getFile()).size).toBe(0);
      await expect(client.pack(exported(body), { privateName: "cut.zip" })).rejects.toMatchObject({ failure: { code } });
    }
    await root.removeEntry("cut.zip");
    await expect(client.pack(exported(stream, "text/html"), { privateName: "x" })).rejects.toMatchObject({
      failure: { code: "STREAM_BAD_RECORD" },
    });
  });

  it("can be cancelled", async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error("enough"));
    const packing = client.pack(exported(await large.ndjson), { privateName: "y.zip" }, { signal: stop.signal, onProgress });
    await expect(packing).rejects.toThrow("enough");
  });
});

describe("what is under way", () => {
  it("ends when it is cancelled, and the bundle can still be used", async () => {
    await client.open(await large.zip);
    for (const work of [
      (options: CallOptions) => client.verify(options),
      (options: CallOptions) => client.rows("assets", 50_000, 5, options),
    ]) {
      const stop = new AbortController();
      const running = work({ signal: stop.signal });
      setTimeout(() => stop.abort(new Error("enough")), 5);
      await expect(running).rejects.toThrow("enough");
    }
    expect((await client.rows("assets", 50_000, 1)).rows).toEqual([row(50_000)]);
    expect(await client.verify()).toMatchObject({ valid: true });
  });

  it("ends when the client is closed", async () => {
    await client.open(await large.zip);
    const running = client.verify();
    const ended = expect(running).rejects.toBeInstanceOf(WorkerError);
    await client.close();
    await ended;
  });
});

describe("the page", () => {
  // What holds it up does so every time; a machine that is busy with something else does not.
  it("is never held up for more than 50 ms, whatever the Worker does", { retry: 2 }, async () => {
    const tasks: number[] = [];
    const [file, stream] = await Promise.all([large.zip, large.ndjson]);
    const url = URL.createObjectURL(new Blob([stream], { type: "application/x-ndjson" }));
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    });
    // Making the bundles takes long on this very page: that is over before the watch begins.
    await new Promise((resolve) => setTimeout(resolve, 300));
    observer.observe({ type: "longtask" });
    await client.open(file);
    await client.verify({ onProgress: () => {} });
    await client.rows("assets", 50_000, 50, { onProgress: () => {} });
    await client.thin(Uint32Array.of(1, 2, 3));
    await client.pack({ url, method: "GET", headers: {} }, { privateName: "long.zip" }, { onProgress: () => {} });
    observer.disconnect();
    URL.revokeObjectURL(url);
    expect(tasks.filter((duration) => duration > 50)).toEqual([]);
  });
});

describe("a NodeWarden archive in the Worker", () => {
  const forms = { "as it is made": {}, "deflated and minified": { level: 6, indent: 0 } } as const;

  it.each(Object.entries(forms))("%s: seen, found sound, its rows and files given", async (_, form) => {
    const archive = sampleArchive();
    const rows = Array.from({ length: 3000 }, (_, n) => ({ ...archive.db["ciphers"]![0], id: `many-${n}` }));
    archive.db["ciphers"]!.push(...rows);
    Object.assign(archive.manifest["tableCounts"]!, { ciphers: 3005 });
    const bytes = archiveBytes(archive, form);
    const file = new File([bytes as Uint8Array<ArrayBuffer>], await archiveName(bytes));
    const seen = await client.open(file);
    expect(seen).toMatchObject({ layout: "nodewarden", container: "zip", app: { name: "nodewarden", version: "1.8.0" } });
    expect(seen.files).toMatchObject({ count: 3, external: 0, missing: 0 });
    expect(seen.tables.map(({ name, rows: count }) => [name, count])).toEqual(Object.entries(archive.manifest["tableCounts"]!));
    const found = await client.verify();
    expect(found).toMatchObject({ valid: true, issues: [], rows: archive.manifest["tableCounts"] });
    for (const from of [0, 4, 2996, 1]) {
      const page = await client.rows("ciphers", from, 5);
      expect(page.rows.map((text) => JSON.parse(text))).toEqual(archive.db["ciphers"]!.slice(from, from + 5));
    }
    const { files } = await client.files(0, 10);
    for (const { path, objectKey } of files) {
      const { blob } = await client.fileBlob(path!, 10_000);
      expect(same(new Uint8Array(await blob.arrayBuffer()), archive.blobs.get(objectKey)!)).toBe(true);
    }
  });

  it("a renamed or changed one is told by its name, and one with references by its files", async () => {
    const bytes = archiveBytes(sampleArchive(), { byReference: true }) as Uint8Array<ArrayBuffer>;
    const seen = await client.open(new File([bytes], "nodewarden_backup_20260301_120059_00000.zip"));
    expect(seen.files).toMatchObject({ count: 0, external: 3 });
    const found = await client.verify();
    expect(found.valid).toBe(false);
    expect(found.issues).toEqual([expect.objectContaining({ code: "INTEGRITY_HASH", check: "hashes" })]);
  });

  it("real ones, where they lie beside the repository", async ({ skip }) => {
    const name = "nodewarden_backup_20261122_044948_e0978.zip";
    const text = await commands.readSample("nodewarden", name);
    if (text === "") skip("the samples are not there");
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    expect(await client.open(new File([bytes], name))).toMatchObject({
      layout: "nodewarden",
      createdAt: "2026-11-22T04:49:48.747Z",
    });
    expect(await client.verify()).toMatchObject({
      valid: true,
      issues: [],
      rows: { ciphers: 210, users: 5, webauthn_credentials: 3 },
    });
  });
});

/** The last byte of a file's content is another. */
function withFileChanged(stream: Uint8Array<ArrayBuffer>, number: number): Blob {
  const content = fileContent(number, 1000 * (number + 1));
  const at = indexOf(stream, content);
  stream[at + content.length - 1]! ^= 1;
  return new Blob([stream]);
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.indexOf(part[0]!); at !== -1; at = bytes.indexOf(part[0]!, at + 1))
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  throw new Error("it is not there");
}
