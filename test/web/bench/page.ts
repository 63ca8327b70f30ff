import { BlobReader, BlobWriter, configure, Uint8ArrayWriter, ZipReader, ZipWriter } from "@zip.js/zip.js";
import { BundleClient } from "../../../web/worker/client.ts";

/** What the benchmark runs in the browser, called from outside by name; each gives seconds and what was done. */

const input = document.querySelector<HTMLInputElement>("#file")!;
const chosen = () => input.files![0]!;
const client = new BundleClient();
let longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
}).observe({ type: "longtask", buffered: true });

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const start = performance.now();
  const value = await work();
  return { seconds: (performance.now() - start) / 1000, value };
}

const must = (valid: boolean, what: string) => {
  if (!valid) throw new Error(`not what was expected: ${what}`);
};

const operations = {
  async open() {
    const { seconds, value } = await timed(() => client.open(chosen()));
    return { seconds, entries: value.entries };
  },
  /** Everything: structure, CRC, SHA-256, rows. */
  async verify() {
    await client.open(chosen());
    const { seconds, value } = await timed(() => client.verify());
    must(value.valid, JSON.stringify(value.issues[0]));
    return { seconds, bytes: value.bytes };
  },
  /** First the search for where rows lie, then a page in the middle, some pages elsewhere before it. */
  async rows(table: string, from: number) {
    await client.open(chosen());
    const index = await timed(() => client.rows(table, from * 2 - 10, 1));
    for (const place of [0, from * 1.5, 17, from / 3]) await client.rows(table, Math.floor(place), 50);
    const page = await timed(() => client.rows(table, from, 50));
    must(page.value.rows.length === 50, "50 rows");
    return { seconds: page.seconds, indexSeconds: index.seconds, total: page.value.total };
  },
  async rowsAfterVerify(table: string, from: number) {
    await client.open(chosen());
    await client.verify();
    const { seconds, value } = await timed(() => client.rows(table, from, 50));
    must(value.rows.length === 50, "50 rows");
    return { seconds };
  },
  async pack(url: string) {
    const request = { url, method: "GET", headers: {} };
    const { seconds, value } = await timed(() => client.pack(request, { privateName: "bench.zip" }));
    await client.discard("bench.zip");
    return { seconds, size: value.size };
  },
  /** All but every tenth file, read through as an upload does. */
  async thin() {
    await client.open(chosen());
    const { seconds, value } = await timed(async () => {
      const { total } = await client.fileHashes(0, 0);
      return client.thin(Uint32Array.from({ length: total }, (_, i) => i).filter((i) => i % 10 !== 0));
    });
    const reader = value.blob.stream().getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read());
    return { seconds, size: value.blob.size };
  },
  async close() {
    await client.close();
    return {};
  },
  async longestTask() {
    const found = longest;
    longest = 0;
    return { milliseconds: found };
  },
  /** zip.js with its own Workers and the browser's codecs, CRC checked. */
  async zipJsVerify(limit: number) {
    configure({ useWebWorkers: true, useCompressionStream: true });
    const { seconds, value } = await timed(async () => {
      const reader = new ZipReader(new BlobReader(chosen()), { checkSignature: true });
      const entries = (await reader.getEntries()).slice(0, limit);
      let bytes = 0;
      const queue = entries.values();
      const lane = async () => {
        for (const entry of queue) {
          if (entry.directory) continue;
          bytes += (await entry.getData!(new Uint8ArrayWriter(), { checkSignature: true })).length;
        }
      };
      await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, lane));
      await reader.close();
      return bytes;
    });
    return { seconds, bytes: value };
  },
  /** The entries of the chosen archive packed anew by zip.js, its content taken from memory-free Blobs. */
  async zipJsPack(limit: number) {
    configure({ useWebWorkers: true, useCompressionStream: true });
    const { contents, bytes } = await contentsOf(limit);
    const { seconds, value } = await timed(async () => {
      const writer = new ZipWriter(new BlobWriter("application/zip"), { bufferedWrite: true, level: 6 });
      const queue = contents.entries();
      const lane = async () => {
        for (const [i, content] of queue) await writer.add(`entry-${i}`, new BlobReader(content));
      };
      await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, lane));
      return (await writer.close()) as Blob;
    });
    return { seconds, bytes, size: value.size };
  },
};

/** Entries unpacked beforehand, on disk where Blobs live. */
async function contentsOf(limit: number): Promise<{ contents: Blob[]; bytes: number }> {
  const reader = new ZipReader(new BlobReader(chosen()));
  const contents: Blob[] = [];
  for (const entry of (await reader.getEntries()).slice(0, limit)) {
    if (!entry.directory) contents.push(await entry.getData!(new BlobWriter()));
  }
  await reader.close();
  return { contents, bytes: contents.reduce((sum, { size }) => sum + size, 0) };
}

export type Operations = typeof operations;
Object.assign(window, { operations });
