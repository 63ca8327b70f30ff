import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import type { EntryInput } from "../../../engine/container.ts";
import { openZip } from "../../../engine/zip/open-zip.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { collected, noise, pieces, rows, same } from "./content.ts";

const modifiedAt = new Date("2026-01-02T03:04:06Z");
const MiB = 1024 * 1024;

const bodies: Record<string, Uint8Array> = {
  empty: new Uint8Array(0),
  one: Uint8Array.of(65),
  "text.json": rows(100_000),
  "noise.bin": noise(100_000),
  ...Object.fromEntries([-1, 0, 1].map((d) => [`rows${d}`, rows(2 * MiB + d)])),
  "large-rows": rows(5 * MiB + 17),
  "large-noise": noise(3 * MiB + 1),
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
          body: streamed ? pieces(body, 65_521) : body,
        }));
        const zip = await collected(writeZip(entries, { modifiedAt, codec: nodeCodec }));
        const archive = await openZip(bytesSource(zip), { codec: nodeCodec });
        expect(archive.entries.map((entry) => entry.path)).toEqual(Object.keys(bodies));
        for (const entry of archive.entries) {
          const body = await collected(archive.open(entry));
          expect(same(body, bodies[entry.path]!), entry.path).toBe(true);
        }
      });
    }
  }

  it("gives the same bytes whether bodies come whole or in pieces", async () => {
    const write = (cut: (body: Uint8Array) => EntryInput["body"]) =>
      collected(
        writeZip(
          Object.entries(bodies).map(([path, body]) => ({ path, kind: "file", body: cut(body) })),
          { modifiedAt, codec: nodeCodec },
        ),
      );
    const whole = await write((body) => body);
    expect(same(await write((body) => pieces(body, 1021)), whole)).toBe(true);
    expect(same(await write((body) => pieces(body, MiB + 3)), whole)).toBe(true);
  });

  it("by a directory that is longer than what is looked at of it at once", async () => {
    const names = Array.from(
      { length: 9_000 },
      (_, i) => `${i % 7 === 0 ? "größe" : "files"}/${i}-${"n".repeat(1 + (i % 200))}.bin`,
    );
    const entries: EntryInput[] = names.map((path) => ({ path, kind: "file", size: 0, body: new Uint8Array(0) }));
    const zip = await collected(writeZip(entries, { modifiedAt, codec: nodeCodec }));
    const open = (bytes: Uint8Array) => openZip(bytesSource(bytes), { codec: nodeCodec });
    expect((await open(zip)).entries.map(({ path }) => path)).toEqual(names);
    // The last header, far behind the first stretch.
    const header = new TextDecoder("latin1").decode(zip).lastIndexOf("PK\x01\x02");
    zip[header] = 0;
    await expect(open(zip)).rejects.toMatchObject({ code: "ZIP_BAD_RECORD", details: { offset: header } });
  });
});
