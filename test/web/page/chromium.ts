import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build, loadConfigFromFile } from "vite";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { useInstallations } from "../../server/http/installation.ts";

const executablePath = process.env["HOLDALL_TEST_CHROMIUM"] || "/usr/bin/chromium";
const flags = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"];
const more = ["disable-component-update", "disable-sync"];
/** Under CI a missing browser fails the run. */
const skipped =
  process.env["CI"] !== "true" && !existsSync(executablePath) ? "no Chromium here; HOLDALL_TEST_CHROMIUM names one" : "";
const root = join(import.meta.dirname, "..", "..", "..");

export interface OpenPage {
  page: Page;
  /** What went wrong on it; a refusal by the content security policy is among that. */
  errors: string[];
}

/** The built page in a real browser: `const page = usePage();` at a file's top. */
export function usePage() {
  const installations = useInstallations();
  let browser: Browser;
  let web: string;
  beforeAll(async () => {
    if (skipped) return;
    web = await installations.temporaryFolder();
    await buildPage(web);
    browser = await chromium.launch({ executablePath, args: [...flags, ...more].map((flag) => `--${flag}`) });
  });
  afterAll(() => browser?.close());
  beforeEach((context) => {
    if (skipped) context.skip(skipped);
  });
  return {
    installations,
    web: () => web,
    open: (options: BrowserContextOptions = {}) => newPage(browser, options),
  };
}

/** As `npm run build` does, into another folder. */
async function buildPage(outDir: string): Promise<void> {
  const loaded = await loadConfigFromFile({ command: "build", mode: "production" }, join(root, "vite.config.ts"));
  const { build: how, worker } = loaded!.config;
  await build({
    root: join(root, "web"),
    configFile: false,
    logLevel: "error",
    base: "./",
    build: { ...how, outDir, emptyOutDir: true },
    ...(worker && { worker }),
  });
}

async function newPage(browser: Browser, options: BrowserContextOptions): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  // No test can answer the dialog of the browser; without it, an export is a download.
  await context.addInitScript("delete window.showSaveFilePicker");
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  return { page, errors };
}

export const isWiderThanScreen = (page: Page) => page.evaluate("document.documentElement.scrollWidth > innerWidth");
