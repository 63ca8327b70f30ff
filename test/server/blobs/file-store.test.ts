import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { linked } from "../../../server/blobs/file-io.ts";
import { fileStore } from "../../../server/blobs/file-store.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { blobStoreContract, expected, hostileKeys, keysOf, pieces, put, read } from "./contract.ts";

const temporaryFolder = useTemporaryFolders();
const coded = (code: string) => expect.objectContaining({ name: "BackupError", code });

describe("a folder", () => {
  blobStoreContract({ empty: async () => fileStore(join(await temporaryFolder(), "blobs")), refused: [] });

  test("keeps a plain key as the same path", async () => {
    const root = await temporaryFolder();
    const store = fileStore(root);
    await put(store, "org/scan 1/Übersicht.png", "picture");
    expect(await readFile(join(root, "org/scan 1/Übersicht.png"), "utf8")).toBe("picture");
  });

  test("serves the files that the application put there itself", async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, "org"));
    await writeFile(join(root, "org/report.pdf"), "report");
    const store = fileStore(root);
    expect(String(await read(store, "org/report.pdf"))).toBe("report");
    await expect(put(store, "org/report.pdf", "other")).resolves.toBe("exists");
    expect(await keysOf(store)).toEqual(["org/report.pdf"]);
  });

  test("lists only what can be opened", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "back\\slash"), "x");
    await writeFile(join(root, "fine"), "x");
    expect(await keysOf(fileStore(root))).toEqual(["fine"]);
  });

  test("writes nothing outside of itself, whatever the key", async () => {
    const around = await temporaryFolder();
    const store = fileStore(join(around, "deep", "blobs"));
    for (const key of hostileKeys) await put(store, key, key);
    expect(await readdir(around)).toEqual(["deep"]);
    expect(await readdir(join(around, "deep"))).toEqual(["blobs"]);
  });

  test("leaves nothing unfinished behind", async () => {
    const root = await temporaryFolder();
    const store = fileStore(root);
    const bytes = Buffer.from("bytes");
    await put(store, "one", "1");
    await put(store, "../two", "2");
    await store.create("three", pieces(bytes), expected(bytes, { size: 4 })).catch(() => {});
    await store.remove("../two");
    expect(await readdir(join(root, ".holdall/unfinished"))).toEqual([]);
  });

  test("clears away what a killed process left unfinished, once it is old", async () => {
    const root = await temporaryFolder();
    const unfinished = join(root, ".holdall/unfinished");
    await mkdir(unfinished, { recursive: true });
    for (const name of ["old", "new"]) await writeFile(join(unfinished, name), name);
    await utimes(join(unfinished, "old"), 1, 1);
    await put(fileStore(root), "x", "x");
    expect(await readdir(unfinished)).toEqual(["new"]);
  });
});

describe("a symbolic link in a folder", () => {
  async function linked() {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(outside, "secret"), "secret");
    await symlink(outside, join(root, "folder"));
    await symlink(join(outside, "secret"), join(root, "file"));
    return { store: fileStore(root), outside };
  }

  test.each(["folder/secret", "file"])("is not followed: %s", async (key) => {
    const { store } = await linked();
    await expect(store.stat(key)).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    await expect(store.open(key)).rejects.toThrow(/symbolic link; move what it points at/);
    expect(await keysOf(store)).toEqual([]);
  });

  test("is not written through, nor removed through", async () => {
    const { store, outside } = await linked();
    for (const key of ["folder/new", "folder/deep/new"]) {
      await expect(put(store, key, "x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    }
    await expect(store.remove("folder/secret")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    expect(await readdir(outside)).toEqual(["secret"]);
  });

  test("as the store's own private folder is not used", async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await symlink(outside, join(root, ".holdall"));
    await expect(put(fileStore(root), "../x", "x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    expect(await readdir(outside)).toEqual([]);
  });

  test("above the folder is where the folder is", async () => {
    const [around, real] = [await temporaryFolder(), await temporaryFolder()];
    await symlink(real, join(around, "blobs"));
    await put(fileStore(join(around, "blobs")), "a/b", "x");
    expect(await readdir(real)).toContain("a");
  });
});

describe("a folder in trouble", () => {
  test("a name that cannot be given is a failure, not a taken name", async () => {
    const root = await temporaryFolder();
    await expect(linked(join(root, "absent"), join(root, "name"))).rejects.toThrow("ENOENT");
  });

  test("a file where the store should be is IO_STORE_UNAVAILABLE", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "blobs"), "");
    await expect(fileStore(join(root, "blobs")).stat("x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
  });

  test("a file where the private folder should be is IO_STORE_UNAVAILABLE, never `exists`", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, ".holdall"), "");
    await expect(put(fileStore(root), "x", "x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
  });

  test.skipIf(process.getuid?.() === 0)("a file that may not be read is IO_STORE_UNAVAILABLE", async () => {
    const root = await temporaryFolder();
    const store = fileStore(root);
    await put(store, "x", "x");
    await chmod(join(root, "x"), 0);
    await expect(store.open("x")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
  });

  test("a pipe in place of an object is IO_STORE_UNAVAILABLE and does not block", async () => {
    const root = await temporaryFolder();
    spawnSync("mkfifo", [join(root, "pipe")]);
    const store = fileStore(root);
    await expect(store.open("pipe")).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
    expect(await keysOf(store)).toEqual([]);
  });

  test("an object that shrinks while it is read is IO_STORE_UNAVAILABLE, never a shorter body", async () => {
    const root = await temporaryFolder();
    const store = fileStore(root);
    await put(store, "x", "x".repeat(5_000_000));
    const { body } = await store.open("x");
    await truncate(join(root, "x"), 2_000_000);
    const reading = (async () => {
      for await (const _ of body);
    })();
    await expect(reading).rejects.toEqual(coded("IO_STORE_UNAVAILABLE"));
  });

  test("an object that vanishes before it is read is IO_STORE_MISSING", async () => {
    const store = fileStore(await temporaryFolder());
    await put(store, "x", "x".repeat(5_000_000));
    const { body } = await store.open("x");
    await store.remove("x");
    await expect(body[Symbol.asyncIterator]().next()).rejects.toEqual(coded("IO_STORE_MISSING"));
  });
});
