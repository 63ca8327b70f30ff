import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { bytesSource } from "../../../engine/byte-source.ts";
import { openBundle } from "../../../engine/read-bundle.ts";
import { verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import type { RunningServer } from "../../../server/http/serve.ts";
import { webFiles } from "../../../server/http/web-files.ts";
import { appOf, bearer, type TestInstallation } from "../../server/http/installation.ts";
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
  const { page } = await setup.open();
  await page.goto(url);
  await page.getByRole("heading", { name: "Sign in first" }).waitFor();
  expect(await page.content()).not.toMatch(/Top secret|easm|organizations/);
  expect(await page.getByText("Top secret").count()).toBe(0);
  await expectGood(page, "sign-in");
});

test("the first load takes less than 100 KB, and the engine comes with the Worker only", async () => {
  const { page } = await setup.open();
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
  const { page, errors } = await setup.open({ acceptDownloads: true });
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
  const { page, errors } = await setup.open({ acceptDownloads: true });
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
  const { page } = await setup.open();
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
  const kept = `(async () => {
    const names = [];
    const walk = async (folder) => {
      for await (const [name, entry] of folder.entries()) entry.kind === "directory" ? await walk(entry) : names.push(name);
    };
    await walk(await navigator.storage.getDirectory());
    return names.filter((name) => name.endsWith(".zip"));
  })()`;
  expect(await page.evaluate(kept)).toEqual([]);
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
