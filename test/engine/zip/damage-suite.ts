import { beforeAll, describe, expect, it } from "vitest";
import { type ByteSource, bytesSource } from "../../../engine/byte-source.ts";
import type { Codec } from "../../../engine/codec.ts";
import { BackupError } from "../../../engine/errors.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { collected, pieces, rows } from "./content.ts";
import { readForward, readListed, readSingly, readWhole } from "./outcome.ts";

/** What a changed byte may leave as it was, by its offset in the header: nothing that the reader reports or acts on. */
const harmlessInLocal: Record<number, string> = {
  4: "version needed",
  5: "its host",
  6: "compression hint (bits 1 and 2)",
  10: "time",
  11: "time",
  12: "date",
  13: "date",
};
const harmlessInCentral: Record<number, string> = {
  4: "version made by",
  5: "its host",
  6: "version needed",
  7: "its host",
  8: "compression hint (bits 1 and 2)",
  12: "time",
  13: "time",
  14: "date",
  15: "date",
  36: "internal attributes",
  37: "internal attributes",
  38: "DOS attributes",
  39: "DOS attributes",
  40: "Unix mode",
  41: "Unix mode",
};

/** The field that lies at an offset of the archive, where a change of it may be harmless. */
function harmlessField(archive: Uint8Array, offset: number): string | undefined {
  const view = new DataView(archive.buffer, archive.byteOffset);
  const directoryOffset = view.getUint32(archive.length - 6, true);
  for (let at = 0; at < archive.length - 22; ) {
    const local = at < directoryOffset;
    const name = view.getUint16(at + (local ? 26 : 28), true);
    const length = local ? 30 + name + view.getUint32(at + 18, true) : 46 + name;
    const deflated = local && view.getUint16(at + 8, true) === 8;
    if (deflated && offset === at + length - 1) return "padding bits after the last deflate block";
    if (offset < at + length) return (local ? harmlessInLocal : harmlessInCentral)[offset - at];
    at += length;
  }
  return undefined;
}

/** What damage and failing sources come to, whichever codec reads: the same in Node and in a browser. */
export function damageSuite(load: () => Codec | Promise<Codec>, masks = [0x01, 0x02, 0x10, 0x40, 0x80, 0xff]): void {
  let codec: Codec;
  let archive: Uint8Array;

  beforeAll(async () => {
    codec = await load();
    const entries = [
      { path: "hello.txt", kind: "file" as const, body: new TextEncoder().encode("hello") },
      { path: "data/rows.json", kind: "file" as const, body: rows(600) },
      { path: "größe/", kind: "file" as const, body: new Uint8Array(0) },
    ];
    archive = await collected(writeZip(entries, { modifiedAt: new Date("2026-01-02T03:04:06Z"), codec }));
  });

  describe("a damaged archive", () => {
    it("is refused, or a single changed byte changes nothing that matters", async () => {
      const sound = await readWhole(bytesSource(archive), codec);
      expect(sound).toHaveProperty("accepted");
      for (let offset = 0; offset < archive.length; offset++) {
        for (const mask of masks) {
          const changed = archive.slice();
          changed[offset]! ^= mask;
          const found = await readWhole(bytesSource(changed), codec);
          const listed = await readListed(bytesSource(changed), codec);
          expect("accepted" in listed ? listed : "refused", `byte ${offset}`).toEqual("accepted" in found ? found : "refused");
          if (!("accepted" in found)) continue;
          expect(found, `byte ${offset}`).toEqual(sound);
          expect(harmlessField(archive, offset), `byte ${offset} changed by ${mask}`).toBeDefined();
        }
      }
    }, 180_000);

    it("is refused at every length but its own", async () => {
      for (let length = 0; length < archive.length; length++) {
        const cut = archive.subarray(0, length);
        expect(await readWhole(bytesSource(cut), codec), `${length} bytes`).toHaveProperty("refused");
        expect(await readListed(bytesSource(cut), codec), `${length} bytes`).toHaveProperty("refused");
        expect(await readForward(pieces(cut, 4096), codec), `${length} bytes`).toHaveProperty("refused");
      }
      const longer = Uint8Array.from([...archive, 0]);
      expect(await readWhole(bytesSource(longer), codec)).toEqual({ refused: "ZIP_TRAILING_DATA" });
    });
  });

  describe("a failing source", () => {
    /** Fails at the nth read, and counts what is open. */
    function failing(nth: number): ByteSource & { reads: number } {
      const sound = bytesSource(archive);
      return {
        size: sound.size,
        reads: 0,
        read(offset, length, signal) {
          if (++this.reads === nth) throw new BackupError("IO_SOURCE", "the disk failed", { offset });
          return sound.read(offset, length, signal);
        },
      };
    }

    for (const [name, read] of Object.entries({ readWhole, readSingly, readListed })) {
      it(`gives its error at whichever read it fails (${name})`, async () => {
        for (let nth = 1; ; nth++) {
          const source = failing(nth);
          const result = read(source, codec);
          if (
            (await result.then(
              () => "read",
              () => "failed",
            )) === "read"
          ) {
            expect(nth).toBeGreaterThan(3);
            return;
          }
          await expect(result).rejects.toMatchObject({ code: "IO_SOURCE" });
        }
      });
    }
  });
}
