import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ListMultipartUploadsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../../server/blobs/open-store.ts";
import { s3Client } from "../../../server/blobs/s3-client.ts";
import { s3Store } from "../../../server/blobs/s3-store.ts";
import { createBucket, s3SkipReason, s3StartTimeout, type TestBucket } from "../../support/s3.ts";
import { blobStoreContract, expected, hostileKeys, keysOf, pieces, put, read } from "./contract.ts";

const coded = (code: string) => expect.objectContaining({ name: "BackupError", code });
const skip = s3SkipReason();
const refused = hostileKeys.filter((key) => !key.isWellFormed() || key.includes("\0") || /(^|\/)\.\.?(\/|$)/.test(key));

describe.skipIf(skip)(`a real S3 server${skip === undefined ? "" : ` (${skip})`}`, () => {
  let bucket: TestBucket;
  beforeAll(async () => {
    bucket = await createBucket();
  }, s3StartTimeout);

  describe("a bucket", () => {
    let stores = 0;
    blobStoreContract({ empty: async () => s3Store({ ...bucket, prefix: `store-${stores++}/deep` }), refused });
  });

  test("gives up the parts of an upload that fails or is aborted", async () => {
    const own = await createBucket();
    const store = await openStore(own.spec, own.env);
    const bytes = Buffer.alloc(30_000_000, 1);
    await expect(store.create("bad", pieces(bytes), expected(bytes, { sha256: "0".repeat(64) }))).rejects.toEqual(
      coded("INTEGRITY_HASH"),
    );
    const aborter = new AbortController();
    setTimeout(() => aborter.abort(new Error("enough")), 60);
    const aborted = store.create("aborted", pieces(bytes, 50_000), expected(bytes, { signal: aborter.signal }));
    await expect(aborted).rejects.toThrow("enough");
    const client = s3Client({ ...own, prefix: "" });
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: own.bucket }));
    expect(Uploads).toEqual([]);
    client.destroy();
    await store.close?.();
  });

  test("does not replace an object that appears while a large one is uploaded", async () => {
    const store = s3Store({ ...bucket, prefix: "appears" });
    const bytes = Buffer.alloc(20_000_000, 2);
    async function* body() {
      yield* pieces(bytes.subarray(0, -1));
      await put(store, "x", "the application's own");
      yield bytes.subarray(-1);
    }
    await expect(store.create("x", body(), expected(bytes))).resolves.toBe("exists");
    expect(String(await read(store, "x"))).toBe("the application's own");
    await store.close();
  });

  test("keeps below its prefix, with or without slashes around it", async () => {
    const inside = await openStore(`${bucket.spec}/tenant/`, bucket.env);
    const other = await openStore(`${bucket.spec}/tenant-2`, bucket.env);
    await put(inside, "a", "1");
    await put(other, "b", "2");
    expect(await keysOf(inside)).toEqual(["a"]);
    expect(await keysOf(await openStore(`${bucket.spec}/tenant`, bucket.env))).toEqual(["a"]);
  });

  test("keeps the content type", async () => {
    const store = s3Store({ ...bucket, prefix: "types" });
    const bytes = Buffer.from("<p>");
    await store.create("x.html", pieces(bytes), expected(bytes, { contentType: "text/html" }));
    const answer = await signedHead(bucket, "types/x.html");
    expect(answer).toBe("text/html");
    await store.close();
  });

  test("lists more than one page", async () => {
    const store = s3Store({ ...bucket, prefix: "pages" });
    const client = s3Client({ ...bucket, prefix: "" });
    const keys = Array.from({ length: 1005 }, (_, index) => `k${String(index).padStart(4, "0")}`);
    for (let at = 0; at < keys.length; at += 50) {
      const send = (key: string) => client.send(new PutObjectCommand({ Bucket: bucket.bucket, Key: `pages/${key}`, Body: "" }));
      await Promise.all(keys.slice(at, at + 50).map(send));
    }
    expect(await keysOf(store)).toEqual(keys);
    client.destroy();
    await store.close();
  });

  test("a bucket that is not there, or keys that do not fit, say so and hold no secret", async () => {
    const noBucket = openStore("s3://no-such-bucket-here", bucket.env);
    await expect(noBucket).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    await expect(noBucket).rejects.toThrow("create the bucket");
    const wrongKeys = openStore(bucket.spec, { ...bucket.env, HOLDALL_S3_SECRET_ACCESS_KEY: "wrong-secret" });
    await expect(wrongKeys).rejects.toThrow(/check the access key/);
    await expect(wrongKeys).rejects.not.toThrow(/wrong-secret/);
  });
});

/** What a real server seldom does on demand. */
describe("an S3 server in trouble", () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.closeAllConnections();
  });

  async function storeOn(listener: RequestListener) {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return s3Store({ bucket: "b", prefix: "", endpoint, region: "us-east-1", accessKeyId: "a", secretAccessKey: "s" });
  }

  test("a body whose connection breaks goes on where it stopped", async () => {
    const bytes = Buffer.from(Array.from({ length: 4_000_000 }, (_, index) => index % 251));
    const asked: string[] = [];
    const store = await storeOn((request, response) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "")!.map(Number) as [number, number, number];
      asked.push(String(request.headers["if-match"] ?? "-"));
      const end = Math.min(to + 1, bytes.length);
      response.writeHead(206, {
        etag: '"v1"',
        "content-length": end - from,
        "content-range": `bytes ${from}-${end - 1}/${bytes.length}`,
      });
      // The first megabyte arrives; of the rest, 700,000 bytes a connection.
      if (end - from <= 1024 * 1024) response.end(bytes.subarray(from, end));
      else response.write(bytes.subarray(from, from + 700_000), () => response.destroy());
    });
    expect((await read(store, "x")).equals(bytes)).toBe(true);
    expect(asked.length).toBeGreaterThan(3);
    // A resumed body is of the same version, or fails.
    expect(new Set(asked.slice(1))).toEqual(new Set(['"v1"']));
    await store.close();
  });

  test("one that answers with errors is IO_STORE_UNAVAILABLE after a few attempts, never `missing`", async () => {
    let requests = 0;
    const store = await storeOn((_, response) => {
      requests++;
      response.writeHead(503).end();
    });
    await expect(store.stat("x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    expect(requests).toBeLessThan(6);
    await expect(store.open("x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    await expect(put(store, "x", "x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    await expect(keysOf(store)).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    await store.close();
  });

  test("one that says a new key is taken, whatever it calls that, is `exists`", async () => {
    const store = await storeOn((request, response) => {
      response.writeHead(request.method === "HEAD" ? 404 : 412).end();
    });
    await expect(put(store, "x", "x")).resolves.toBe("exists");
    await store.close();
  });

  test.each([
    ["ignores ranges", {}],
    ["answers with another range", { "content-range": "bytes 0-2/9" }],
  ])("one that %s is refused instead of read from the wrong place", async (_, headers) => {
    const store = await storeOn((_, response) => response.writeHead(206, { "content-length": 3, ...headers }).end("abc"));
    await expect(store.open("x", { offset: 1 })).rejects.toThrow(/answered a request for bytes/);
    await store.close();
  });

  test("one that falls silent in the middle does not outlast an abort", async () => {
    const first = Buffer.alloc(1024 * 1024);
    const store = await storeOn((request, response) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "")!.map(Number) as [number, number, number];
      const end = Math.min(to + 1, 5_000_000);
      response.writeHead(206, { "content-length": end - from, "content-range": `bytes ${from}-${end - 1}/5000000` });
      if (from === 0) response.end(first);
      else response.write("a few bytes");
    });
    const aborter = new AbortController();
    const { body } = await store.open("x", { signal: aborter.signal });
    setTimeout(() => aborter.abort(new Error("enough")), 300);
    const reading = (async () => {
      for await (const _ of body);
    })();
    await expect(reading).rejects.toThrow("enough");
    await store.close();
  }, 5_000);

  test("one that is not there names the endpoint's variable", async () => {
    const env = { HOLDALL_S3_ENDPOINT: "http://127.0.0.1:1", HOLDALL_S3_ACCESS_KEY_ID: "a", HOLDALL_S3_SECRET_ACCESS_KEY: "s" };
    const opening = openStore("s3://bucket", env);
    await expect(opening).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    await expect(opening).rejects.toThrow(/ECONNREFUSED.*HOLDALL_S3_ENDPOINT/);
  });

  test("a store that is neither a folder nor a bucket is refused", async () => {
    for (const spec of ["", "file:", "/srv/blobs", "s3:bucket", "s3://"]) {
      await expect(openStore(spec), spec).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    }
  });
});

async function signedHead(bucket: TestBucket, key: string): Promise<string | undefined> {
  const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
  const client = s3Client({ ...bucket, prefix: "" });
  const { ContentType } = await client.send(new HeadObjectCommand({ Bucket: bucket.bucket, Key: key }));
  client.destroy();
  return ContentType;
}
