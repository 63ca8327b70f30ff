import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
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

export interface PageOptions {
  viewport?: { width: number; height: number };
  /** With no cookie, private file or cache of another test; these are otherwise a file's, because each set of them costs seconds. */
  alone?: boolean;
  /** Beside those of every page; for a page that is alone. */
  context?: BrowserContextOptions;
}

/** The built page in a real browser: `const page = usePage();` at a file's top. */
export function usePage() {
  const installations = useInstallations();
  let browser: Browser;
  let together: Promise<BrowserContext> | undefined;
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
    async open({ viewport, alone = false, context: more = {} }: PageOptions = {}): Promise<OpenPage> {
      if (!alone) together ??= newContext(browser);
      const context = alone ? await newContext(browser, more) : await together!;
      const page = await context.newPage();
      onTestFinished(() => (alone ? context.close() : page.close()));
      if (viewport !== undefined) await page.setViewportSize(viewport);
      return watched(page);
    },
  };
}

async function newContext(browser: Browser, more: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", ...more });
  // No test can answer the dialog of the browser; without it, an export is a download.
  await context.addInitScript("delete window.showSaveFilePicker");
  return context;
}

function watched(page: Page): OpenPage {
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
