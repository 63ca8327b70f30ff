import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import type { EntryInput } from "../../../engine/container.ts";
import { openZip } from "../../../engine/zip/open-zip.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { nodeCodec } from "../../../server/codec-node.ts";

const modifiedAt = new Date("2026-01-02T03:04:06Z");
const MiB = 1024 * 1024;

function random(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function rows(length: number): Uint8Array {
  const text = Array.from({ length: Math.ceil(length / 40) }, (_, i) => `{"id":${i},"name":"row number ${i * 7919}"},\n`).join(
    "",
  );
  return new TextEncoder().encode(text).subarray(0, length);
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function* inPieces(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const bodies: Record<string, Uint8Array> = {
  empty: new Uint8Array(0),
  one: Uint8Array.of(65),
  "text.json": rows(100_000),
  "noise.bin": random(100_000),
  ...Object.fromEntries([-1, 0, 1].map((d) => [`rows${d}`, rows(2 * MiB + d)])),
  "large-rows": rows(5 * MiB + 17),
  "large-noise": random(3 * MiB + 1),
  "größe/日本語.txt": rows(10),
};

describe("what is written is read back", () => {
  for (const sized of [true, false]) {
    for (const streamed of [false, true]) {
      it(`with sizes ${sized ? "known" : "unknown"}, bodies ${streamed ? "streamed" : "whole"}`, async () => {
        const entries: EntryInput[] = Object.entries(bodies).map(([path, body]) => ({
          path,
          kind: "file",
          ...(sized ? { size: body.length } : {}),
          body: streamed ? inPieces(body, 65_521) : body,
        }));
        const zip = await collect(writeZip(entries, { modifiedAt, codec: nodeCodec }));
        const archive = await openZip(bytesSource(zip), { codec: nodeCodec });
        expect(archive.entries.map((entry) => entry.path)).toEqual(Object.keys(bodies));
        for (const entry of archive.entries) {
          const body = await collect(archive.open(entry));
          expect(Buffer.compare(body, bodies[entry.path]!), entry.path).toBe(0);
        }
      });
    }
  }

  it("gives the same bytes whether bodies come whole or in pieces", async () => {
    const write = (cut: (body: Uint8Array) => EntryInput["body"]) =>
      collect(
        writeZip(
          Object.entries(bodies).map(([path, body]) => ({ path, kind: "file", body: cut(body) })),
          { modifiedAt, codec: nodeCodec },
        ),
      );
    const whole = await write((body) => body);
    expect(Buffer.compare(await write((body) => inPieces(body, 1021)), whole)).toBe(0);
    expect(Buffer.compare(await write((body) => inPieces(body, MiB + 3)), whole)).toBe(0);
  });
});
