import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EntryInput } from "../../../engine/container.ts";
import { openZip } from "../../../engine/zip/open-zip.ts";
import { writeZip } from "../../../engine/zip/write-zip.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import { openFileSource } from "../../../server/file-source.ts";
import { noise, rows } from "./content.ts";

const run = promisify(execFile);

/** Programs that must accept what is written, those of them that are installed. */
const readers: Record<string, { probe: string[]; test: (file: string) => string[] }> = {
  unzip: { probe: ["unzip", "-v"], test: (file) => ["unzip", "-tqq", file] },
  "7z": { probe: ["7z", "i"], test: (file) => ["7z", "t", "-bd", file] },
  bsdtar: { probe: ["bsdtar", "--version"], test: (file) => ["bsdtar", "-tf", file] },
  python: {
    probe: ["python3", "--version"],
    test: (file) => ["python3", "-c", "import sys,zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip() is not None)", file],
  },
  jar: { probe: ["jar", "--version"], test: (file) => ["jar", "-tf", file] },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdall-zip-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, entries: Iterable<EntryInput>): Promise<string> {
  const file = join(folder, name);
  await pipeline(
    writeZip(entries, { modifiedAt: new Date("2026-01-02T03:04:06Z"), codec: nodeCodec, level: 1 }),
    createWriteStream(file),
  );
  return file;
}

async function accepts(reader: (typeof readers)[string], file: string): Promise<void> {
  const [command, ...args] = reader.test(file);
  await run(command!, args, { maxBuffer: 64 * 1024 * 1024 });
}

async function isInstalled(command: string[]): Promise<boolean> {
  return run(command[0]!, command.slice(1)).then(
    () => true,
    () => false,
  );
}

function* many(count: number): Generator<EntryInput> {
  for (let i = 0; i < count; i++) yield { path: `d${i % 100}/f${i}`, kind: "file", body: new TextEncoder().encode(`${i}`) };
}

async function* repeated(block: Uint8Array, times: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < times; i++) yield block;
}

const MiB = 1024 * 1024;
const large: EntryInput[] = [
  { path: "large.json", kind: "table", body: repeated(rows(MiB), 4200) },
  { path: "after", kind: "file", body: rows(100) },
];
const archives: Record<string, { entries: () => Iterable<EntryInput>; long?: boolean }> = {
  "an empty archive": { entries: () => [] },
  "ordinary and empty entries, folders, foreign names": {
    entries: () => [
      { path: "empty", kind: "file", body: new Uint8Array(0) },
      { path: "folder/", kind: "file", body: new Uint8Array(0) },
      { path: "größe/日本語 ☃.txt", kind: "file", body: rows(5000) },
      { path: "noise", kind: "file", body: noise(300_000) },
      { path: "table.json", kind: "table", body: repeated(rows(MiB), 5) },
      { path: "large noise", kind: "file", size: 4 * MiB, body: repeated(noise(MiB), 4) },
    ],
  },
  "70,000 entries": { entries: () => many(70_000) },
  "an entry over 4 GiB": { entries: () => large, long: true },
  "an archive over 4 GiB": {
    entries: () => [
      { path: "noise", kind: "file", body: repeated(noise(MiB), 4200) },
      { path: "after", kind: "file", body: rows(100) },
    ],
    long: true,
  },
};

/** What takes minutes and gigabytes runs on request. */
const long = process.env["HOLDALL_LONG_TESTS"] !== undefined;

describe.for(Object.entries(archives))("%s", ([name, { entries, long: takesLong }]) => {
  it.skipIf(takesLong && !long)(
    "is accepted by our reader and by every other",
    async () => {
      const file = await write(`${name.replaceAll(/\W/g, "-")}.zip`, entries());
      const source = await openFileSource(file);
      const archive = await openZip(source, { codec: nodeCodec });
      for await (const _ of archive.verify());
      await source.close();
      for (const [program, reader] of Object.entries(readers)) {
        if (!(await isInstalled(reader.probe))) continue;
        // Info-ZIP's unzip reports an empty archive as a warning.
        if (name === "an empty archive" && program === "unzip") continue;
        await expect(accepts(reader, file), program).resolves.toBeUndefined();
      }
      await rm(file);
    },
    takesLong ? 900_000 : 60_000,
  );
});
