import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import type { RunningServer } from "../../../server/http/serve.ts";
import type { TestInstallation } from "../../server/http/installation.ts";
import { expectAccessible } from "./accessible.ts";
import { isWiderThanScreen, usePage } from "./chromium.ts";

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
  await expectAccessible(page, "sign-in");
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

test.each([1280, 390])("at %i pixels: every page is accessible and no wider than the screen", async (width) => {
  const { page, errors } = await setup.open({ viewport: { width, height: 844 } });
  await page.goto(server.signInUrl);
  await page.getByText(/rows in \d+ tables/).waitFor();
  for (const [hash, sign] of [
    ["export", /rows in \d+ tables/],
    ["import", "Drop a bundle here"],
    ["scope", "tables included"],
  ] as const) {
    await page.goto(`${server.url}#/${hash}`);
    await page.getByText(sign).waitFor();
    await expectAccessible(page, hash);
    expect(await isWiderThanScreen(page), hash).toBe(false);
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
  await expectAccessible(page, "exported");
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
  await expectAccessible(page, "export failed");
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
  await expectAccessible(page, "embedded");
  expect(errors).toEqual([]);
});
