import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runZip } from "../../../server/cli/commands/zip.ts";

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdall-zip-command-"));
  await mkdir(at("in", "sub"), { recursive: true });
  await writeFile(at("in", "a.txt"), "hello");
  await writeFile(at("in", "sub", "b.txt"), "x".repeat(100_000));
  await mkdir(at("in", "empty"));
  said = [];
  for (const stream of ["log", "error"] as const) vi.spyOn(console, stream).mockImplementation((line) => void said.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe("holdall zip", () => {
  it("packs, tests and unpacks a folder", async () => {
    expect(await runZip(["pack", at("in"), at("x.zip")])).toBe(0);
    expect(await runZip(["test", at("x.zip")])).toBe(0);
    expect(said.at(-1)).toBe("accepted: 3 entries, 100005 bytes");
    expect(await runZip(["unpack", at("x.zip"), at("out")])).toBe(0);
    expect(await readFile(at("out", "sub", "b.txt"), "utf8")).toBe("x".repeat(100_000));
    expect((await readdir(at("out"))).sort()).toEqual(["a.txt", "empty", "sub"]);
  });

  it("gives the same bytes for the same files", async () => {
    await runZip(["pack", at("in"), at("1.zip")]);
    await runZip(["pack", at("in"), at("2.zip")]);
    expect(await readFile(at("1.zip"))).toEqual(await readFile(at("2.zip")));
  });

  it("never writes over an existing file, and leaves nothing behind", async () => {
    await runZip(["pack", at("in"), at("x.zip")]);
    expect(await runZip(["pack", at("in"), at("x.zip")])).toBe(1);
    await mkdir(at("out", "sub"), { recursive: true });
    await writeFile(at("out", "sub", "b.txt"), "mine");
    expect(await runZip(["unpack", at("x.zip"), at("out")])).toBe(1);
    expect(await readdir(at("out"))).toEqual(["sub"]);
    expect(await readFile(at("out", "sub", "b.txt"), "utf8")).toBe("mine");
  });

  it("goes through no symbolic link", async () => {
    await runZip(["pack", at("in"), at("x.zip")]);
    await mkdir(at("elsewhere"));
    await mkdir(at("out"));
    await symlink(at("elsewhere"), at("out", "sub"));
    expect(await runZip(["unpack", at("x.zip"), at("out")])).toBe(1);
    expect(await readdir(at("elsewhere"))).toEqual([]);
    expect(await readdir(at("out"))).toEqual(["sub"]);
  });

  it("removes what it created when content turns out bad", async () => {
    await runZip(["pack", at("in"), at("x.zip")]);
    const bytes = await readFile(at("x.zip"));
    bytes[bytes.indexOf("sub/b.txt") + 20]! ^= 0xff;
    await writeFile(at("bad.zip"), bytes);
    expect(await runZip(["unpack", at("bad.zip"), at("out")])).toBe(1);
    expect(existsSync(at("out"))).toBe(false);
    expect(said.at(-1)).toMatch(/^(ZIP_BAD_RECORD|INTEGRITY_CRC): entry "sub\/b.txt"/);
  });

  it("packs no links and leaves no archive on failure", async () => {
    await symlink("a.txt", at("in", "z"));
    expect(await runZip(["pack", at("in"), at("x.zip")])).toBe(1);
    expect(existsSync(at("x.zip"))).toBe(false);
  });

  it("tells wrong usage from refusal", async () => {
    for (const args of [
      [],
      ["frob"],
      ["list"],
      ["pack", "a"],
      ["test", "a", "b"],
      ["pack", "a", "b", "--level", "12"],
      ["list", "--what"],
    ]) {
      expect(await runZip(args), args.join(" ")).toBe(2);
    }
    expect(await runZip(["list", at("missing.zip")])).toBe(1);
    expect(await runZip(["list", at("in", "a.txt")])).toBe(1);
  });
});
