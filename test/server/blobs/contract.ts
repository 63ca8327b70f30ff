import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { BlobStore, NewBlob } from "../../../server/blobs/blob-store.ts";

const MiB = 1024 * 1024;

export interface Contract {
  /** A store that holds nothing, in a place of its own. */
  empty(): Promise<BlobStore>;
  /** Keys that this store refuses with `IO_STORE_UNAVAILABLE`. */
  refused: readonly string[];
}

/** Keys that an application, or a bundle made to do harm, may hold. */
export const hostileKeys = [
  "../outside.txt",
  "a/../../outside.txt",
  "..",
  ".",
  "a/./b",
  "/etc/passwd",
  "//double",
  "a//b",
  "a/",
  "back\\slash",
  "..\\..\\outside",
  "C:\\temp\\x",
  "line\nbreak",
  "tab\tand\u0001control",
  "nul\0byte",
  "del\u007f and c1 \u0085",
  "trailing dot.",
  "trailing/space /x",
  ".holdall/unfinished/x",
  ".holdall",
  "%2e%2e/%2e%2e/x",
  "a%2fb",
  "plus+and space & amp;<>\"'?#",
  "snowman-☃-😀-é-e\u0301",
  `${"n".repeat(220)}.png`,
  `long/${"m".repeat(254)}/${"m".repeat(254)}/${"m".repeat(254)}`,
  "half \ud800 pair",
  "half \udfff pair",
];

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function expected(bytes: Uint8Array, more: Partial<NewBlob> = {}): NewBlob {
  return { size: bytes.length, sha256: sha256(bytes), ...more };
}

/** In pieces of `step` bytes, with a turn of the event loop between them. */
export async function* pieces(bytes: Uint8Array, step = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) {
    await sleep(0);
    yield bytes.subarray(at, at + step);
  }
}

export function put(store: BlobStore, key: string, text: string): Promise<"created" | "exists"> {
  const bytes = Buffer.from(text);
  return store.create(key, pieces(bytes), expected(bytes));
}

export async function read(store: BlobStore, key: string, offset?: number): Promise<Buffer> {
  const { body } = await store.open(key, offset === undefined ? {} : { offset });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function keysOf(store: BlobStore, prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys.sort();
}

const coded = (code: string) => expect.objectContaining({ name: "BackupError", code });

/** What every blob store promises. */
export function blobStoreContract({ empty, refused }: Contract): void {
  let store: BlobStore;
  beforeAll(async () => {
    store = await empty();
  });

  describe("an object", () => {
    test.each([0, 1, 65_536, MiB - 1, MiB, MiB + 1, 8 * MiB, 8 * MiB + 1, 21 * MiB + 17])(
      "of %i bytes comes back identical",
      async (size) => {
        const bytes = randomBytes(size);
        const key = `sizes/${size}`;
        await expect(store.create(key, pieces(bytes, 300_001), expected(bytes))).resolves.toBe("created");
        await expect(store.stat(key)).resolves.toEqual({ key, size });
        expect((await store.open(key)).size).toBe(size);
        expect(sha256(await read(store, key))).toBe(sha256(bytes));
      },
    );

    test("is read from an offset, up to and beyond its end", async () => {
      const bytes = randomBytes(3 * MiB);
      await store.create("offset", pieces(bytes), expected(bytes));
      for (const offset of [1, MiB, 2 * MiB + 5, bytes.length - 1, bytes.length, bytes.length + 1]) {
        expect((await store.open("offset", { offset })).size).toBe(bytes.length);
        expect((await read(store, "offset", offset)).equals(bytes.subarray(offset))).toBe(true);
      }
    });

    test("that is not there: stat null, open IO_STORE_MISSING, remove nothing", async () => {
      await expect(store.stat("no/such")).resolves.toBeNull();
      await expect(store.open("no/such")).rejects.toEqual(coded("IO_STORE_MISSING"));
      await expect(store.remove("no/such")).resolves.toBeUndefined();
    });

    test("is gone after remove, and can be created again", async () => {
      await put(store, "again/x", "one");
      await store.remove("again/x");
      await expect(store.stat("again/x")).resolves.toBeNull();
      await expect(put(store, "again/x", "two")).resolves.toBe("created");
      expect(String(await read(store, "again/x"))).toBe("two");
    });

    test("may have no empty key", async () => {
      for (const attempt of [store.stat(""), store.open(""), put(store, "", "x"), store.remove("")]) {
        await expect(attempt).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
      }
    });
  });

  describe("creating", () => {
    test.each([5, 9 * MiB])("%i bytes over an object leaves it as it is and lets go of the body", async (size) => {
      const key = `taken/${size}`;
      await put(store, key, "first");
      let released = false;
      const body = {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false as const, value: Buffer.alloc(size) }),
          return: async () => {
            released = true;
            return { done: true as const, value: undefined };
          },
        }),
      };
      await expect(store.create(key, body, expected(Buffer.alloc(size)))).resolves.toBe("exists");
      expect(released).toBe(true);
      expect(String(await read(store, key))).toBe("first");
    });

    test("the same key many times at once succeeds once, and the winner's bytes stay", async () => {
      const texts = Array.from({ length: 12 }, (_, index) => `writer ${index} `.repeat(1000));
      const outcomes = await Promise.all(texts.map((text) => put(store, "race/small", text)));
      expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
      expect(String(await read(store, "race/small"))).toBe(texts[outcomes.indexOf("created")]);
    });

    describe.each([
      ["small", 4_000],
      ["of several parts", 20 * MiB],
    ])("%s", (name, size) => {
      const bytes = randomBytes(size);
      const wrongHash = sha256(Buffer.from("something else"));
      const faults: [string, () => AsyncIterable<Uint8Array>, Partial<NewBlob>, unknown][] = [
        ["another hash", () => pieces(bytes), { sha256: wrongHash }, coded("INTEGRITY_HASH")],
        ["a byte less", () => pieces(bytes.subarray(1)), {}, coded("INTEGRITY_SIZE")],
        ["a byte more", () => pieces(Buffer.concat([bytes, Buffer.alloc(1)])), {}, coded("INTEGRITY_SIZE")],
        ["a flipped bit", () => pieces(flipped(bytes)), {}, coded("INTEGRITY_HASH")],
        ["no bytes", () => pieces(Buffer.alloc(0)), {}, coded("INTEGRITY_SIZE")],
        ["a failing body", () => failing(bytes), {}, new Error("the source broke")],
      ];

      test.each(faults)("with %s fails with it and stores nothing", async (_, body, wrong, error) => {
        const key = `faults/${name}/${_}`;
        await expect(store.create(key, body(), expected(bytes, wrong))).rejects.toEqual(error);
        await expect(store.stat(key)).resolves.toBeNull();
        expect(await keysOf(store, "faults/")).toEqual([]);
      });

      test("that is aborted rethrows the reason and stores nothing", async () => {
        const aborter = new AbortController();
        const reason = new Error("enough");
        const work = store.create(
          `aborted/${name}`,
          abortingAt(bytes, aborter, reason),
          expected(bytes, { signal: aborter.signal }),
        );
        await expect(work).rejects.toBe(reason);
        await expect(store.stat(`aborted/${name}`)).resolves.toBeNull();
      });
    });

    test("shows nothing before the body has ended", async () => {
      const bytes = randomBytes(20 * MiB);
      let seen: unknown = "not asked";
      async function* body() {
        yield* pieces(bytes.subarray(0, 19 * MiB), MiB);
        seen = [await store.stat("slow"), await keysOf(store, "slow")];
        yield bytes.subarray(19 * MiB);
      }
      await store.create("slow", body(), expected(bytes));
      expect(seen).toEqual([null, []]);
      await expect(store.stat("slow")).resolves.toEqual({ key: "slow", size: bytes.length });
    });
  });

  describe("keys", () => {
    test("that make no plain path are kept apart, listed as they are, and touch nothing else", async () => {
      const own = await empty();
      const usable = hostileKeys.filter((key) => !refused.includes(key));
      for (const key of usable) await expect(put(own, key, `object ${key}`), JSON.stringify(key)).resolves.toBe("created");
      for (const key of usable) {
        await expect(put(own, key, "second"), JSON.stringify(key)).resolves.toBe("exists");
        expect((await read(own, key)).equals(Buffer.from(`object ${key}`)), JSON.stringify(key)).toBe(true);
      }
      expect(await keysOf(own)).toEqual([...usable].sort());
      for (const key of usable) await own.remove(key);
      expect(await keysOf(own)).toEqual([]);
      await own.close?.();
    });

    test("that the store cannot hold are refused", async () => {
      for (const key of refused) {
        await expect(put(store, key, "x"), JSON.stringify(key)).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
        await expect(store.stat(key), JSON.stringify(key)).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
        await expect(store.open(key), JSON.stringify(key)).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
        await expect(store.remove(key), JSON.stringify(key)).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
      }
    });

    test.each([
      ["folder", "file"],
      ["file", "folder"],
    ])("may be another key's %s, whichever came first", async (first) => {
      const own = await empty();
      const keys = ["a", "a/b", "a/b/c"];
      for (const key of first === "folder" ? keys : keys.toReversed()) await expect(put(own, key, key)).resolves.toBe("created");
      for (const key of keys) expect(String(await read(own, key))).toBe(key);
      expect(await keysOf(own)).toEqual(keys);
      await own.remove("a/b");
      expect(await keysOf(own)).toEqual(["a", "a/b/c"]);
      await expect(put(own, "a/b", "again")).resolves.toBe("created");
      expect(String(await read(own, "a/b"))).toBe("again");
      await own.close?.();
    });
  });

  describe("listing", () => {
    test("goes by any prefix, not by folders only, and an empty listing is no error", async () => {
      const own = await empty();
      expect(await keysOf(own)).toEqual([]);
      const keys = ["org-1/scan-1/a.png", "org-1/scan-1/b.png", "org-1/scan-2/a.png", "org-10/x", "x\ny"];
      for (const key of keys) await put(own, key, key);
      expect(await keysOf(own)).toEqual(keys);
      expect(await keysOf(own, "org-1/")).toEqual(keys.slice(0, 3));
      expect(await keysOf(own, "org-1")).toEqual(keys.slice(0, 4));
      expect(await keysOf(own, "org-1/scan-1/b")).toEqual([keys[1]]);
      expect(await keysOf(own, "x\n")).toEqual(["x\ny"]);
      expect(await keysOf(own, "other/")).toEqual([]);
      for await (const { key, size } of own.list()) expect(size).toBe(Buffer.byteLength(key));
      await own.close?.();
    });

    test("stops when it is aborted", async () => {
      await put(store, "list/1", "x");
      const aborter = new AbortController();
      aborter.abort(new Error("enough"));
      await expect(store.list("", aborter.signal)[Symbol.asyncIterator]().next()).rejects.toThrow("enough");
    });
  });

  describe("reading", () => {
    test("can stop anywhere, or never begin, and holds nothing afterwards", async () => {
      const bytes = randomBytes(6 * MiB);
      await store.create("partly", pieces(bytes), expected(bytes));
      // More than the connections that an S3 client keeps: one that leaked would stop the loop.
      for (let round = 0; round < 60; round++) {
        const { body } = await store.open("partly");
        if (round % 2 === 0) continue;
        let bytesRead = 0;
        for await (const chunk of body) {
          bytesRead += chunk.length;
          if (bytesRead > 2 * MiB) break;
        }
      }
    });

    test("rethrows the reason of an abort, before and in the middle", async () => {
      const bytes = randomBytes(6 * MiB);
      await store.create("abort-read", pieces(bytes), expected(bytes));
      const aborter = new AbortController();
      const reason = new Error("enough");
      const { body } = await store.open("abort-read", { signal: aborter.signal });
      const reading = (async () => {
        for await (const _ of body) aborter.abort(reason);
      })();
      await expect(reading).rejects.toBe(reason);
      await expect(store.open("abort-read", { signal: aborter.signal })).rejects.toBe(reason);
      await expect(store.stat("abort-read", aborter.signal)).rejects.toBe(reason);
    });
  });
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

async function* failing(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes.subarray(0, bytes.length - 1));
  throw new Error("the source broke");
}

async function* abortingAt(bytes: Uint8Array, aborter: AbortController, reason: Error): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes.subarray(0, bytes.length - 1));
  aborter.abort(reason);
  yield bytes.subarray(bytes.length - 1);
}
