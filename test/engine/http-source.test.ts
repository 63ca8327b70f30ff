import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { httpSource } from "../../engine/http-source.ts";
import { openZip } from "../../engine/zip/open-zip.ts";
import { writeZip } from "../../engine/zip/write-zip.ts";
import { nodeCodec } from "../../server/codec-node.ts";
import { collected, noise, rows, same } from "./zip/content.ts";

let server: Server | undefined;
afterEach(() => server?.close());

interface Resource {
  bytes: Uint8Array;
  etag?: string;
  /** Answers in the server's place; true when it did. */
  misbehave?(response: ServerResponse, from: number, to: number): boolean;
}

async function serve(resource: Resource): Promise<string> {
  server = createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const [from, to] = [Number(first), Math.min(Number(last), resource.bytes.length - 1)];
    if (resource.misbehave?.(response, from, to)) return;
    const headers = resource.etag === undefined ? {} : { etag: resource.etag };
    if (from >= resource.bytes.length) {
      response.writeHead(416, { ...headers, "content-range": `bytes */${resource.bytes.length}` }).end();
      return;
    }
    response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${to}/${resource.bytes.length}` });
    response.end(resource.bytes.subarray(from, to + 1));
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe("a source over HTTP", () => {
  it("reads an archive in place", async () => {
    const body = rows(100_000);
    const zip = await collected(
      writeZip([{ path: "rows.json", kind: "table", body }], { modifiedAt: new Date(0), codec: nodeCodec }),
    );
    const source = await httpSource(await serve({ bytes: zip, etag: '"1"' }));
    const archive = await openZip(source, { codec: nodeCodec });
    expect(same(await collected(archive.open(archive.entries[0]!)), body)).toBe(true);
  });

  it("reads more than one request gives", async () => {
    const bytes = noise(9 * 1024 * 1024);
    const source = await httpSource(await serve({ bytes }));
    expect(same(await source.read(5, bytes.length - 5), bytes.subarray(5))).toBe(true);
  });

  it("knows an empty resource", async () => {
    expect((await httpSource(await serve({ bytes: new Uint8Array(0) }))).size).toBe(0);
  });

  const failures: Record<string, (resource: Resource) => void> = {
    "changes its ETag": (resource) => {
      resource.etag = '"2"';
    },
    "changes its length": (resource) => {
      resource.bytes = noise(999);
    },
    "sends too little": (resource) => {
      resource.misbehave = (response, from, to) => {
        response.writeHead(206, { etag: '"1"', "content-range": `bytes ${from}-${to}/1000` }).end(new Uint8Array(3));
        return true;
      };
    },
    "sends too much": (resource) => {
      resource.misbehave = (response, from, to) => {
        response.writeHead(206, { etag: '"1"', "content-range": `bytes ${from}-${to}/1000` }).end(new Uint8Array(500));
        return true;
      };
    },
    "ignores ranges": (resource) => {
      resource.misbehave = (response) => {
        response.writeHead(200).end(resource.bytes);
        return true;
      };
    },
    "breaks the connection": (resource) => {
      resource.misbehave = (response) => {
        response.destroy();
        return true;
      };
    },
  };
  for (const [what, spoil] of Object.entries(failures)) {
    it(`gives IO_SOURCE when the server ${what}`, async () => {
      const resource: Resource = { bytes: noise(1000), etag: '"1"' };
      const source = await httpSource(await serve(resource));
      spoil(resource);
      await expect(source.read(10, 100)).rejects.toMatchObject({ code: "IO_SOURCE" });
    });
  }

  it("rethrows the reason of an abort", async () => {
    const source = await httpSource(await serve({ bytes: noise(1000) }));
    const reason = new Error("changed my mind");
    await expect(source.read(0, 10, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
