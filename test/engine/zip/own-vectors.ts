import { expect, it } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import type { Codec } from "../../../engine/codec.ts";
import type { ErrorCode } from "../../../engine/errors.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { collected, pieces, rows } from "./content.ts";
import { readForward, readListed, readWhole } from "./outcome.ts";

/** A sound archive of two entries and where its records lie; an edit makes it bad in one way. */
interface Sample {
  bytes: Uint8Array;
  view: DataView;
  /** Local headers. */
  local: [number, number];
  /** Central headers. */
  central: [number, number];
  end: number;
}

async function sample(codec: Codec): Promise<Sample> {
  const entries = [
    { path: "first.txt", kind: "file" as const, body: new TextEncoder().encode("hello") },
    { path: "other.txt", kind: "file" as const, body: rows(2000) },
  ];
  const bytes = await collected(writeZip(entries, { modifiedAt: new Date("2026-01-02T03:04:06Z"), codec }));
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  const directory = view.getUint32(end + 16, true);
  return { bytes, view, local: [0, 30 + 9 + 5], central: [directory, directory + 46 + 9], end };
}

/** Gives the archive to read where it is not the sample's own bytes, changed. */
type Edit = (sample: Sample) => unknown;

/** The same edit in the local and the central header of the second entry; offsets count from the field "version needed". */
function inBoth(offset: number, edit: (view: DataView, at: number) => void): Edit {
  return ({ view, local, central }) => {
    edit(view, local[1] + 4 + offset);
    edit(view, central[1] + 6 + offset);
  };
}

const name =
  (text: string): Edit =>
  ({ bytes, local, central }) => {
    const encoded = new TextEncoder().encode(text);
    bytes.set(encoded, local[1] + 30);
    bytes.set(encoded, central[1] + 46);
  };

const joined = (...parts: (Uint8Array | number[])[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** What was done to the archive, the code it must be refused with, and how it is done. */
const cases: [what: string, code: ErrorCode, edit: Edit][] = [
  ["a byte follows", "ZIP_TRAILING_DATA", ({ bytes }) => joined(bytes, [0])],
  ["a byte lies before", "ZIP_BAD_RECORD", ({ bytes }) => joined([0], bytes)],
  ["it is cut in the directory", "ZIP_TRUNCATED", ({ bytes, central }) => bytes.subarray(0, central[1])],
  ["it is glued to itself", "ZIP_BAD_RECORD", ({ bytes }) => joined(bytes, bytes)],
  ["it is empty", "ZIP_TRUNCATED", () => new Uint8Array(0)],
  ["the comment is longer than the file", "ZIP_TRUNCATED", ({ view, end }) => view.setUint16(end + 20, 5, true)],
  ["the end record counts one entry less", "ZIP_AMBIGUOUS", ({ view, end }) => view.setUint32(end + 8, 0x0001_0001, true)],
  ["the end record counts more than fit", "ZIP_BAD_RECORD", ({ view, end }) => view.setUint32(end + 8, 0x0009_0009, true)],
  ["it is one disk of several", "ZIP_UNSUPPORTED", ({ view, end }) => view.setUint16(end + 4, 1, true)],
  ["the directory lies elsewhere", "ZIP_BAD_RECORD", ({ view, end, central }) => view.setUint32(end + 16, central[0] - 1, true)],
  ["a central header is none", "ZIP_BAD_RECORD", ({ view, central }) => view.setUint8(central[1], 0)],
  ["a local header is none", "ZIP_BAD_RECORD", ({ view, local }) => view.setUint8(local[1], 0)],
  ["two entries share a local header", "ZIP_OVERLAP", ({ view, central }) => view.setUint32(central[1] + 42, 0, true)],
  ["an entry points beyond the directory", "ZIP_OVERLAP", ({ view, central }) => view.setUint32(central[1] + 42, 1e6, true)],
  [
    "an entry that no header lists",
    "ZIP_AMBIGUOUS",
    ({ bytes, view, local, central, end }) => {
      view.setUint32(end + 16, central[0] + local[1], true);
      return joined(bytes.subarray(0, central[0]), bytes.subarray(0, local[1]), bytes.subarray(central[0]));
    },
  ],
  ["the local name differs", "ZIP_HEADER_MISMATCH", ({ view, local }) => view.setUint8(local[1] + 30, 0x78)],
  ["the local method differs", "ZIP_HEADER_MISMATCH", ({ view, local }) => view.setUint16(local[1] + 8, 0, true)],
  ["the local CRC differs", "ZIP_HEADER_MISMATCH", ({ view, local }) => view.setUint32(local[1] + 14, 1, true)],
  ["the local size differs", "ZIP_HEADER_MISMATCH", ({ view, local }) => view.setUint32(local[1] + 22, 1999, true)],
  ["both CRCs are wrong", "INTEGRITY_CRC", inBoth(10, (view, at) => view.setUint32(at, 1, true))],
  ["both sizes are one less", "ZIP_BAD_RECORD", inBoth(18, (view, at) => view.setUint32(at, 1999, true))],
  ["both sizes are more than deflate can do", "INTEGRITY_SIZE", inBoth(18, (view, at) => view.setUint32(at, 9e8, true))],
  ["the compressed data is damaged", "ZIP_BAD_RECORD", ({ view, local }) => view.setUint8(local[1] + 39, 0x07)],
  ["another method", "ZIP_UNSUPPORTED", inBoth(4, (view, at) => view.setUint16(at, 12, true))],
  ["encrypted", "ZIP_UNSUPPORTED", inBoth(2, (view, at) => view.setUint16(at, 0x801, true))],
  ["a version that does not exist", "ZIP_UNSUPPORTED", inBoth(0, (view, at) => view.setUint16(at, 255, true))],
  ["a symbolic link", "PATH_SPECIAL_FILE", ({ view, central }) => view.setUint16(central[1] + 40, 0o120777, true)],
  ["a folder by its attributes", "ZIP_AMBIGUOUS", ({ view, central }) => view.setUint16(central[1] + 40, 0o040755, true)],
  ["the same name twice", "PATH_DUPLICATE", name("first.txt")],
  ["the same name in capitals", "PATH_DUPLICATE", name("FIRST.TXT")],
  ["a name that climbs out", "PATH_TRAVERSAL", name("../er.txt")],
  ["an absolute name", "PATH_ABSOLUTE", name("/ther.txt")],
  ["a control character", "PATH_ENCODING", name("oth\x1br.txt")],
  [
    "invalid UTF-8",
    "PATH_ENCODING",
    ({ bytes, local, central }) => {
      bytes[local[1] + 30] = 0xff;
      bytes[central[1] + 46] = 0xff;
    },
  ],
  ["a device of Windows", "PATH_RESERVED", name("aux.a.txt")],
];

/** Exact codes, whichever codec reads: the same in Node and in a browser. */
export function ownVectorSuite(load: () => Codec | Promise<Codec>): void {
  it("the sound archive is accepted", async () => {
    const codec = await load();
    expect(await readWhole(bytesSource((await sample(codec)).bytes), codec)).toHaveProperty("accepted");
  });
  for (const [what, code, edit] of cases) {
    it(`${code}: ${what}`, async () => {
      const codec = await load();
      const base = await sample(codec);
      const edited = edit(base);
      const bytes = edited instanceof Uint8Array ? edited : base.bytes;
      expect(await readWhole(bytesSource(bytes), codec)).toEqual({ refused: code });
      expect(await readListed(bytesSource(bytes), codec)).toEqual({ refused: code });
      expect(await readForward(pieces(bytes, 1000), codec)).toHaveProperty("refused");
    });
  }
}
