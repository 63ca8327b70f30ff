import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Page } from "playwright-core";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import type { RunningServer } from "../../../server/http/serve.ts";
import { webFiles } from "../../../server/http/web-files.ts";
import { appOf, bearer, type TestInstallation } from "../../server/http/installation.ts";
import { cuttingAnswers } from "../../support/cutting-answers.ts";
import { expectGood } from "./accessible.ts";
import { usePage } from "./chromium.ts";

vi.setConfig({ testTimeout: 120_000 });
const setup = usePage();
let full: TestInstallation;
let server: RunningServer;

beforeAll(async () => {
  full = await setup.installations.demo();
  server = await setup.installations.serve(full, { web: setup.web(), title: "Demo installation" });
});

test("without a sign-in, the page says where to find the link and nothing of the installation", async () => {
  const { installations } = setup;
  const { url } = await installations.serve(await installations.empty(), { web: setup.web(), title: "Top secret" });
  const { page } = await setup.open({ alone: true });
  await page.goto(url);
  await page.getByRole("heading", { name: "Sign in first" }).waitFor();
  expect(await page.content()).not.toMatch(/Top secret|easm|organizations/);
  expect(await page.getByText("Top secret").count()).toBe(0);
  await expectGood(page, "sign-in");
});

test("the first load takes less than 100 KB, and the engine comes with the Worker only", async () => {
  const { page } = await setup.open({ alone: true });
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await page.goto(server.signInUrl);
  await page.getByText(/rows in \d+ tables/).waitFor();
  const files = loaded.filter((path) => path !== "/sign-in" && !path.startsWith("/api/"));
  let bytes = 0;
  for (const path of new Set(files))
    bytes += gzipSync(await readFile(join(setup.web(), path === "/" ? "index.html" : path))).length;
  expect(bytes).toBeGreaterThan(5_000);
  expect(bytes).toBeLessThan(100_000);
  const workers = (await readdir(join(setup.web(), "assets"))).filter((name) => name.includes("worker"));
  expect(workers.length).toBeGreaterThan(0);
  expect(files.filter((path) => path.includes("worker"))).toEqual([]);
});

test("pages have addresses, and go back and forward", async () => {
  const { page } = await setup.open();
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}#/scope`);
  await page.getByText("tables included").waitFor();
  await page.getByRole("link", { name: "Import" }).press("Enter");
  await page.getByRole("heading", { name: "Drop a bundle here" }).waitFor();
  expect(page.url()).toBe(`${server.url}#/import`);
  await page.goBack();
  await page.getByText("tables included").waitFor();
  await page.locator('details[data-table="assets"] summary').click();
  await expect.poll(() => page.url()).toBe(`${server.url}#/scope/assets`);
  await page.goto(`${server.url}#/scope/findings_of_nobody`);
  await page.getByText("The scope has no table of this name").waitFor();
  await page.goto(`${server.url}#/nowhere/at/all`);
  await page.getByRole("heading", { name: "There is no page “nowhere”" }).waitFor();
  await expectGood(page, "unknown address");
  await page.getByRole("link", { name: "Export" }).last().click();
  await page.getByText(/rows in \d+ tables/).waitFor();
});

test("every page is accessible and no wider than the screen", async () => {
  const { page, errors } = await setup.open();
  await page.goto(server.signInUrl);
  await page.getByText(/rows in \d+ tables/).waitFor();
  for (const [hash, sign] of [
    ["export", /rows in \d+ tables/],
    ["import", "Drop a bundle here"],
    ["scope", "tables included"],
  ] as const) {
    await page.goto(`${server.url}#/${hash}`);
    await page.getByText(sign).waitFor();
    await expectGood(page, hash);
  }
  expect(errors).toEqual([]);
});

test("the scope page says of every table and column whether it is in, and why not", async () => {
  const { page } = await setup.open();
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}#/scope`);
  await page.getByText("tables included").waitFor();
  const text = (await page.locator("holdall-scope").evaluate((element) => element.shadowRoot!.textContent)) ?? "";
  const { tables, excludedTables } = (await import("../../../server/scopes/easm/scope.ts")).easm;
  for (const [name, { columns, excluded = {} }] of Object.entries(tables)) {
    for (const column of [...columns, ...Object.keys(excluded), ...Object.values(excluded)]) expect(text, name).toContain(column);
  }
  for (const [name, why] of Object.entries(excludedTables)) {
    expect(text).toContain(name);
    expect(text).toContain(why);
  }
  await page.getByLabel("Find a table or column").fill("normalized_value");
  await page.getByText("1 table included").waitFor();
});

test("the export page: an estimate that follows the options, and a bundle that is valid", async () => {
  const { page, errors } = await setup.open();
  await page.goto(server.signInUrl);
  const before = await page.getByText(/rows in \d+ tables/).textContent();
  await page.getByLabel("Scan history").uncheck();
  await expect.poll(() => page.getByText(/rows in \d+ tables/).textContent()).not.toBe(before);
  await page.getByLabel("ZIP, packed by the server").check();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export", exact: true }).press("Enter");
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^easm-backup-.*\.zip$/);
  await page.getByRole("heading", { name: /^Exported / }).waitFor();
  await expectGood(page, "exported");
  expect(errors).toEqual([]);
});

test("packed in the browser: a bundle that is valid, with the SHA-256 of its file", async () => {
  const { page, errors } = await setup.open();
  await page.goto(server.signInUrl);
  await page.getByText(/rows in \d+ tables/).waitFor();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const bytes = await readFile((await (await downloading).path())!);
  await page.getByRole("heading", { name: /^Exported / }).waitFor();
  const shown = await page.locator("holdall-export-result code").textContent();
  expect(shown).toBe(createHash("sha256").update(bytes).digest("hex"));
  const opened = await openBundle(bytesSource(bytes), { codec: nodeCodec });
  expect(await verifyBundle(opened, { codec: nodeCodec })).toMatchObject({ valid: true });
  await expectGood(page, "packed");
  expect(errors).toEqual([]);
});

test("an export that breaks is an error with its cause, and no file", async () => {
  const { page } = await setup.open();
  await page.goto(server.signInUrl);
  await page.getByText(/rows in \d+ tables/).waitFor();
  await page.getByLabel("ZIP, packed by the server").check();
  let downloads = 0;
  page.on("download", () => downloads++);
  await page.route("**/export", (route) => route.abort("connectionreset"));
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("The connection was lost").waitFor();
  expect(downloads).toBe(0);
  await expectGood(page, "export failed");
});

test("an export that is cut in the middle is an error with its cause, and no file", async () => {
  const { page } = await setup.open({ alone: true });
  await page.goto(server.signInUrl);
  await page.getByText(/rows in \d+ tables/).waitFor();
  let downloads = 0;
  page.on("download", () => downloads++);
  const whole = await appOf(full).request("/export", { method: "POST", headers: { ...bearer, Accept: "application/x-ndjson" } });
  const cut = Buffer.from(await whole.arrayBuffer()).subarray(0, 60_000);
  await page.context().route("**/export", (route) => route.fulfill({ contentType: "application/x-ndjson", body: cut }));
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("STREAM_TRUNCATED").waitFor();
  await alert.getByText("What to do:").waitFor();
  expect(downloads).toBe(0);
  expect(await keptArchives(page)).toEqual([]);
});

/** Names of the archives among the page's private files. */
function keptArchives(page: Page): Promise<unknown> {
  return page.evaluate(`(async () => {
    const names = [];
    const walk = async (folder) => {
      for await (const [name, entry] of folder.entries()) entry.kind === "directory" ? await walk(entry) : names.push(name);
    };
    await walk(await navigator.storage.getDirectory());
    return names.filter((name) => name.endsWith(".zip"));
  })()`);
}

test("an export whose connection is torn in the middle is an error with its cause, and no file, packed here or there", async () => {
  const proxy = await cuttingAnswers(new URL(server.url), /^POST \S+\/export HTTP/, 30_000);
  onTestFinished(() => proxy.close());
  const through = (url: string) => Object.assign(new URL(url), { port: String(proxy.port) }).href;
  const { page } = await setup.open({ alone: true });
  await page.goto(through(server.signInUrl));
  await page.getByText(/rows in \d+ tables/).waitFor();
  let downloads = 0;
  page.on("download", () => downloads++);
  const alert = page.getByRole("alert");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await alert.getByText("The stream was cut off before its end").waitFor();
  await alert.getByText(/The connection broke after \d+ bytes/).waitFor();
  await alert.getByText("STREAM_TRUNCATED").waitFor();
  await page.getByLabel("ZIP, packed by the server").check();
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await alert.getByText("The connection was lost").waitFor();
  expect(proxy.cuts()).toBe(2);
  expect(downloads).toBe(0);
  expect(await keptArchives(page)).toEqual([]);
});

/** The browser's dialog, answered: an origin-private file is the same kind of handle as one that is chosen. */
const chosen = `window.showSaveFilePicker = async ({ suggestedName }) => {
  if (window.cancels) throw new DOMException("The user aborted a request.", "AbortError");
  return (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
}`;
const removeSaved = `(async () => {
  const root = await navigator.storage.getDirectory();
  for await (const [name, entry] of root.entries()) if (entry.kind === "file") await root.removeEntry(name);
})()`;
const savedFile = `(async () => {
  const root = await navigator.storage.getDirectory();
  for await (const [name, entry] of root.entries()) {
    if (entry.kind !== "file") continue;
    const file = await entry.getFile();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    return { name, size: file.size, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") };
  }
  return null;
})()`;

test("into a file that is chosen: packed here and there, cancelled, and on a disk that is full", async () => {
  const { page, errors } = await setup.open({ alone: true });
  await page.addInitScript(chosen);
  await page.goto(server.signInUrl);
  await page.getByText(/rows in \d+ tables/).waitFor();
  const run = () => page.getByRole("button", { name: "Export", exact: true }).click();
  await page.evaluate("window.cancels = true");
  await run();
  await page.getByRole("button", { name: "Export", exact: true }).waitFor();
  expect(await page.evaluate(savedFile)).toBeNull();
  await page.evaluate("window.cancels = false");
  await run();
  await page.getByRole("heading", { name: /^Exported / }).waitFor();
  const saved = (await page.evaluate(savedFile)) as { name: string; size: number; sha256: string };
  expect(saved.name).toMatch(/^backup-.*\.zip$/);
  expect(await page.locator("holdall-export-result code").textContent()).toBe(saved.sha256);

  const session = await page.context().newCDPSession(page);
  const origin = new URL(server.url).origin;
  const alert = page.getByRole("alert");
  for (const maker of ["ZIP, packed by this browser", "ZIP, packed by the server"]) {
    await page.getByLabel(maker).check();
    await page.evaluate(removeSaved);
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 20_000 });
    await run();
    await alert.getByText("The file could not be written").waitFor();
    await alert.getByText("IO_TARGET").waitFor();
    expect(await page.evaluate(savedFile)).toMatchObject({ size: 0 });
    await session.send("Storage.overrideQuotaForOrigin", { origin });
    await run();
    await page.getByRole("heading", { name: /^Exported / }).waitFor();
  }
  expect(await page.evaluate(savedFile)).toMatchObject({ size: expect.any(Number) });
  expect(errors).toEqual([]);
});

test("only some organizations: chosen by name, estimated and exported", async () => {
  const { page, errors } = await setup.open();
  await page.goto(server.signInUrl);
  const all = await page.getByText(/rows in \d+ tables/).textContent();
  await page.getByLabel("Only some organizations").check();
  const button = page.getByRole("button", { name: "Export", exact: true });
  expect(await button.isDisabled()).toBe(true);
  const [{ id, slug }] = (await full.db.sql`select id, slug from organizations order by slug limit 1`) as [
    { id: string; slug: string },
  ];
  await page.getByLabel("Find among the organizations").fill(slug);
  await page.getByRole("checkbox", { name: slug }).check();
  await expect.poll(() => page.getByText(/rows in \d+ tables/).textContent()).not.toBe(all);
  await expectGood(page, "some organizations");
  const downloading = page.waitForEvent("download");
  await button.click();
  const opened = await openBundle(bytesSource(await readFile((await (await downloading).path())!)), { codec: nodeCodec });
  expect(opened.manifest.tenants).toEqual({ table: "organizations", ids: [id] });
  expect(opened.manifest.table_counts["organizations"]).toBe(1);
  expect(errors).toEqual([]);
});

test("an application serves the element and the routes where it likes, behind its own sign-in and policy", async () => {
  const html = `<!doctype html><html lang="en"><title>Host</title><body><main id="host">
    <holdall-backup base="/admin/backup" routing="none"></holdall-backup></main>
    <script type="module" src="/static/holdall/holdall-backup.js"></script>`;
  const policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self' blob:";
  const app = new Hono();
  const files = webFiles({ folder: setup.web(), mount: "/static/holdall" });
  app.get("/static/holdall/*", (c) => files(c.req.raw));
  app.route("/admin/backup", appOf(await setup.installations.empty(), { authorize: () => ({ email: "admin@easm.example" }) }));
  app.get("/favicon.ico", (c) => c.body(null, 204));
  app.get("/settings", (c) => c.html(html, 200, { "Content-Security-Policy": policy }));
  const host = createAdaptorServer({ fetch: app.fetch });
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  onTestFinished(() => void host.close());
  const { page, errors } = await setup.open();
  await page.goto(`http://127.0.0.1:${(host.address() as AddressInfo).port}/settings`);
  await page.getByText(/rows in \d+ tables/).waitFor();
  await page.getByRole("link", { name: "Import" }).click();
  expect(new URL(page.url()).hash).toBe("");
  const exported = await appOf(full).request("/export", { method: "POST", headers: bearer });
  const buffer = Buffer.from(await exported.arrayBuffer());
  await page.getByLabel("Bundle file").setInputFiles({ name: "backup.zip", mimeType: "application/zip", buffer });
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByText(/The import would add [\d,]+ rows/).waitFor();
  expect(errors).toEqual([]);
});

test("an application embeds the element in a page of its own, in its own colours", async () => {
  const { page, errors } = await setup.open();
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}example.html`);
  await page.getByRole("heading", { name: "Backup", exact: true }).waitFor();
  await page.getByText(/rows in \d+ tables/).waitFor();
  const button = page.getByRole("button", { name: "Export", exact: true });
  const styleOf = (name: string) =>
    button.evaluate((element, property) => Reflect.get(globalThis, "getComputedStyle")(element)[property], name);
  expect(await styleOf("backgroundColor")).toBe("rgb(138, 59, 18)");
  expect(await styleOf("fontFamily")).toMatch(/^Georgia/);
  await expectGood(page, "embedded");
  expect(errors).toEqual([]);
});
