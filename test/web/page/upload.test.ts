import { createHash, randomBytes, randomInt } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { appOf, bearer, type TestInstallation } from "../../server/http/installation.ts";
import { cuttingProxy } from "../../support/cutting-proxy.ts";
import { expectGood } from "./accessible.ts";
import { usePage } from "./chromium.ts";

const setup = usePage();
const MiB = 1024 ** 2;
let path: string;
let size: number;

/** Eight stored files of 2 MiB that nothing compresses: large enough to be cut often. */
async function withLargeFiles({ db, store }: TestInstallation): Promise<void> {
  for (const { id } of await db.sql`select id from files order by id limit 8`) {
    const body = randomBytes(2 * MiB);
    const [key, sha256] = [`large/${id}`, createHash("sha256").update(body).digest("hex")];
    await store.create(
      key,
      (async function* () {
        yield body;
      })(),
      { size: body.length, sha256 },
    );
    await db.sql`update files set object_key = ${key}, size_bytes = ${body.length}, sha256 = ${sha256} where id = ${id}`;
  }
}

beforeAll(async () => {
  const full = await setup.installations.demo({ assets: 200, files: 10 });
  await withLargeFiles(full);
  const answer = await appOf(full).request("/export", { method: "POST", headers: bearer });
  const bundle = Buffer.from(await answer.arrayBuffer());
  size = bundle.length;
  path = join(await setup.installations.temporaryFolder(), "backup.zip");
  await writeFile(path, bundle);
});

async function chooseAndCompare(page: Page): Promise<void> {
  await page.getByLabel("Bundle file").setInputFiles(path);
  await page.getByRole("heading", { name: /The bundle is sound|Sound, with/ }).waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
}

/** Waits until at least this part of the upload has gone. */
async function waitForPart(page: Page, part: number): Promise<void> {
  const bar = page.getByRole("progressbar", { name: "Upload" });
  await expect
    .poll(async () => Number(await bar.getAttribute("aria-valuenow")), { timeout: 20_000 })
    .toBeGreaterThanOrEqual(part * 100);
}

test("cut at twenty points at random, reloaded twice, paused once: one upload, no byte twice beyond a chunk", {
  timeout: 120_000,
}, async () => {
  const target = await setup.installations.empty();
  const server = await setup.installations.serve(target, { web: setup.web() });
  // The page and everything before the upload go through the proxy, too: they end well below the first cut.
  const cutsAt = Array.from({ length: 20 }, () => randomInt(200_000, size)).sort((a, b) => a - b);
  const proxy = await cuttingProxy(new URL(server.url), cutsAt);
  onTestFinished(() => proxy.close());
  const through = (url: string) => Object.assign(new URL(url), { port: String(proxy.port) }).href;
  const { page } = await setup.open();
  const session = await page.context().newCDPSession(page);
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 4 * MiB };
  await session.send("Network.emulateNetworkConditions", slow);
  await page.goto(through(server.signInUrl));
  await page.goto(through(`${server.url}#/import`));
  await chooseAndCompare(page);
  await waitForPart(page, 0.25);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText(/^Paused/).waitFor();
  await expectGood(page, "paused");
  await page.getByRole("button", { name: "Go on" }).click();
  await waitForPart(page, 0.35);

  for (const part of [0.6, 1]) {
    await page.reload();
    await page.getByText(/The upload of backup\.zip was interrupted at \d+ %/).waitFor();
    await chooseAndCompare(page);
    if (part < 1) await waitForPart(page, part);
  }
  await page.getByText(/The import would add [\d,]+ rows/).waitFor({ timeout: 60_000 });
  expect(proxy.cuts(), `cuts at ${cutsAt}`).toBe(20);
  expect((await readdir(join(target.uploads.folder, "resumable"))).length).toBe(2);
  // Beside the bundle: what was in flight at a cut, a pause or a reload, and headers. A chunk has 64 MiB.
  expect(proxy.sent()).toBeLessThan(size + 23 * MiB);
  await page.getByRole("button", { name: "Import exactly this" }).click();
  await page.getByRole("heading", { name: "Imported" }).waitFor();
  expect(await target.db.sql`select count(*)::int as n from files`).toMatchObject([{ n: 10 }]);
  await page.reload();
  await page.getByRole("heading", { name: "Drop a bundle here" }).waitFor();
  expect(await page.getByText("The upload of").count()).toBe(0);
});

test("an unfinished upload can be discarded, here and on the server", async () => {
  const target = await setup.installations.empty();
  const server = await setup.installations.serve(target, { web: setup.web() });
  const { page } = await setup.open();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 4 * MiB,
  });
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}#/import`);
  await chooseAndCompare(page);
  await waitForPart(page, 0.2);
  await page.reload();
  await page.getByText(/The upload of backup\.zip was interrupted/).waitFor();
  await expectGood(page, "unfinished upload");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect.poll(() => readdir(join(target.uploads.folder, "resumable"))).toEqual([]);
  await page.reload();
  await page.getByRole("heading", { name: "Drop a bundle here" }).waitFor();
  expect(await page.getByText("The upload of").count()).toBe(0);
});
