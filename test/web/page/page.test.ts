import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { useInstallations } from "./installation.ts";

const executablePath = process.env["HOLDALL_TEST_CHROMIUM"] || "/usr/bin/chromium";
const flags = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"];
const more = ["disable-component-update", "disable-sync"];
/** Under CI a missing browser fails the run. */
const skipped =
  process.env["CI"] !== "true" && !existsSync(executablePath) ? "no Chromium here; HOLDALL_TEST_CHROMIUM names one" : "";

const installations = useInstallations();
let browser: Browser;
let web: string;

beforeAll(async () => {
  if (skipped) return;
  web = await installations.temporaryFolder();
  const root = join(import.meta.dirname, "..", "..", "..", "web");
  await build({ root, configFile: false, logLevel: "error", build: { outDir: web, emptyOutDir: true, target: "es2023" } });
  browser = await chromium.launch({ executablePath, args: [...flags, ...more].map((flag) => `--${flag}`) });
});

afterAll(() => browser?.close());

beforeEach((context) => {
  if (skipped) context.skip(skipped);
});

/** With what went wrong on it; a refusal by the content security policy is among that. */
async function newPage(width: number): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  // No test can answer the dialog of the browser; without it, an export is a download.
  await context.addInitScript("delete window.showSaveFilePicker");
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  return { page, errors };
}

const isWiderThanScreen = (page: Page) => page.evaluate("document.documentElement.scrollWidth > innerWidth");

test("without a sign-in, the page says where to find the link and nothing of the installation", async () => {
  const { url } = await installations.serve(await installations.empty(), { web, title: "Top secret" });
  const { page } = await newPage(1280);
  await page.goto(url);
  await page.getByRole("heading", { name: "Sign in first" }).waitFor();
  expect(await page.content()).not.toMatch(/Top secret|easm|organizations/);
});

test.each([1280, 390])("at %i pixels: sign in, export, preview, import; nothing of a bundle becomes HTML", async (width) => {
  const hostile = "<img src=x onerror=alert(1)>";
  const full = await installations.serve(await installations.demo(), {
    web,
    scope: { ...easm, app: { ...easm.app, version: hostile } },
  });
  const target = await installations.empty();
  const empty = await installations.serve(target, { web });
  const { page, errors } = await newPage(width);

  await page.goto(full.signInUrl);
  await page.getByLabel("Scan history").uncheck();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).press("Enter");
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^easm-backup-.*\.zip$/);
  await page.getByText(/^Exported /).waitFor();
  expect(await isWiderThanScreen(page)).toBe(false);

  await page.goto(empty.signInUrl);
  await page.getByLabel("Backup file").setInputFiles(await download.path());
  await page.getByRole("button", { name: "Preview" }).press("Enter");
  await page.getByRole("heading", { name: "The backup is sound" }).waitFor();
  await page.getByText(`easm ${hostile}`).waitFor();
  await page.getByLabel("Add and update").check();
  await expect.poll(() => page.getByRole("button", { name: "Import exactly this" }).count()).toBe(0);
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText(/An import would add [\d,]+ rows, in the name of admin@easm\.example/).waitFor();
  expect(await isWiderThanScreen(page)).toBe(false);
  await page.getByRole("button", { name: "Import exactly this" }).press("Enter");
  await page.getByRole("heading", { name: "Imported" }).waitFor();
  expect(await target.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 200 }]);
  expect(await isWiderThanScreen(page)).toBe(false);
  expect(errors).toEqual([]);
});

test("a damaged file is refused with what was found", async () => {
  const server = await installations.serve(await installations.empty(), { web });
  const { page } = await newPage(1280);
  await page.goto(server.signInUrl);
  const file = { name: "broken.zip", mimeType: "application/zip", buffer: Buffer.from("PK no more") };
  await page.getByLabel("Backup file").setInputFiles(file);
  await page.getByRole("button", { name: "Preview" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("ZIP_TRUNCATED").waitFor();
  expect(await alert.evaluate((element) => element.matches(":focus"))).toBe(true);
});
