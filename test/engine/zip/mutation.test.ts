import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { collected, rows } from "./content.ts";
import { readWhole } from "./outcome.ts";

/** Structure-aware damage: what is still accepted must look the same to Python's zipfile. `HOLDALL_MUTATIONS` makes the run longer. */
const runs = Number(process.env["HOLDALL_MUTATIONS"] ?? 1500);
const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** Prints, a line an archive, what zipfile makes of it: JSON of hashes by name, or null. */
const pythonReader = `
import sys, json, zipfile, hashlib
for file in sys.stdin.read().split("\\n"):
    if not file: continue
    try:
        with zipfile.ZipFile(file) as z:
            print(json.dumps({i.filename: hashlib.sha256(z.read(i)).hexdigest() for i in z.infolist()}))
    except Exception as e:
        print("null")
`;

let folder: string;
let sound: Uint8Array;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdall-mutation-"));
  const text = (s: string) => new TextEncoder().encode(s);
  const entries = ["a.txt", "b/c.txt", "b/d.json", "e/"].map((path, i) => ({
    path,
    kind: "file" as const,
    body: path === "e/" ? text("") : i === 2 ? rows(400) : text(`content ${i}`),
  }));
  sound = await collected(writeZip(entries, { modifiedAt: new Date("2026-01-02T03:04:06Z"), codec: nodeCodec }));
});
afterAll(() => rm(folder, { recursive: true }));

const fields: Record<number, [offset: number, length: number][]> = {
  // local header, central header, end record: offsets and lengths of their fields
  67324752: [
    [4, 2],
    [6, 2],
    [8, 2],
    [14, 4],
    [18, 4],
    [22, 4],
    [26, 2],
    [28, 2],
    [30, 1],
    [31, 1],
  ],
  33639248: [
    [6, 2],
    [8, 2],
    [10, 2],
    [16, 4],
    [20, 4],
    [24, 4],
    [28, 2],
    [30, 2],
    [32, 2],
    [34, 2],
    [38, 4],
    [42, 4],
    [46, 1],
    [47, 1],
  ],
  101010256: [
    [4, 2],
    [6, 2],
    [8, 2],
    [10, 2],
    [12, 4],
    [16, 4],
    [20, 2],
  ],
};

/** Where the fields of all records of an archive lie. */
function targets(bytes: Uint8Array): [offset: number, length: number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: [number, number][] = [];
  for (let at = 0; at + 4 <= bytes.length; at++) {
    for (const [offset, length] of fields[view.getUint32(at, true)] ?? []) found.push([at + offset, length]);
  }
  return found;
}

interface Change {
  target: number;
  kind: "set" | "add" | "flip" | "copy" | "insert" | "remove";
  value: number;
  other: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  target: fc.nat(),
  kind: fc.constantFrom("set", "add", "flip", "copy", "insert", "remove"),
  value: fc.oneof(fc.constantFrom(0, 1, 2, 8, 9, 0x800, 0xffff, 0xfffffffe, 0xffffffff), fc.nat(300)),
  other: fc.nat(),
});

function mutate(
  bytes: Uint8Array,
  { target, kind, value, other }: typeof change extends fc.Arbitrary<infer T> ? T : never,
): Uint8Array {
  const places = targets(bytes);
  const [at, length] = places[target % places.length]!;
  const write = (number: number) => {
    for (let i = 0; i < length && at + i < bytes.length; i++) bytes[at + i] = Math.floor(number / 256 ** i) % 256;
  };
  const read = (from: number) => Array.from({ length }, (_, i) => (bytes[from + i] ?? 0) * 256 ** i).reduce((a, b) => a + b, 0);
  if (kind === "set") write(value);
  if (kind === "add") write((read(at) + value + (other % 2 ? 2 ** 32 - 2 * value : 0)) % 256 ** length);
  if (kind === "flip") bytes[at]! ^= 1 << (other % 8);
  if (kind === "copy") write(read(places[other % places.length]![0]));
  if (kind === "insert") return Uint8Array.from([...bytes.subarray(0, at), value % 256, ...bytes.subarray(at)]);
  if (kind === "remove") return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
  return bytes;
}

describe.skipIf(!hasPython)("mutated archives", () => {
  it("are refused, or read as Python's zipfile reads them", async () => {
    const accepted: { file: string; found: unknown }[] = [];
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      let bytes: Uint8Array = sound.slice();
      for (const one of changes) if (targets(bytes).length > 0) bytes = mutate(bytes, one);
      const outcome = await readWhole(bytesSource(bytes), nodeCodec);
      if (!("accepted" in outcome)) return;
      const file = join(folder, `${accepted.length}.zip`);
      await writeFile(file, bytes);
      accepted.push({ file, found: outcome.accepted });
    });
    await fc.assert(property, { numRuns: runs });
    const input = accepted.map(({ file }) => file).join("\n");
    const lines = execFileSync("python3", ["-c", pythonReader], { input, maxBuffer: 1 << 28 })
      .toString()
      .trimEnd()
      .split("\n");
    expect(lines.filter(Boolean).length).toBe(accepted.length);
    for (const [i, { found }] of accepted.entries()) expect(JSON.parse(lines[i]!)).toEqual({ ...(found as object) });
  }, 600_000);
});
