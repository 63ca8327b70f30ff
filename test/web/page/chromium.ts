import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, onTestFinished } from "vitest";
import { useInstallations } from "../../server/http/installation.ts";
import { askFor } from "../../support/ask-for.ts";
import { chromiumFlags, chromiumPath } from "../../support/chromium.ts";

/** Under CI a missing browser fails the run. */
const skipped =
  process.env["CI"] !== "true" && !existsSync(chromiumPath) ? "no Chromium here; HOLDALL_TEST_CHROMIUM names one" : "";

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
    const [page, launched] = await Promise.all([
      askFor<{ folder: string }>("page"),
      chromium.launch({ executablePath: chromiumPath, args: chromiumFlags }),
    ]);
    [web, browser] = [page.folder, launched];
  });
  afterAll(() => browser?.close());
  beforeEach((context) => {
    if (skipped) context.skip(skipped);
  });
  return {
    installations,
    web: () => web,
    browser: () => browser,
    open: (options: BrowserContextOptions = {}) => newPage(browser, options),
  };
}

async function newPage(browser: Browser, options: BrowserContextOptions): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", ...options });
  onTestFinished(() => context.close());
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
