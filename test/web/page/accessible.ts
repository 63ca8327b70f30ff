import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect } from "vitest";

const source = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  nodes: { target: unknown[]; failureSummary: string }[];
}

/** What may come out otherwise in other colours and in another width: the looks at contrast take most of axe's time. */
const colourAndLayout = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"];

/** Every rule at the desk, where nothing is left out for want of room. */
const views = [
  { width: 390, colorScheme: "dark", rules: colourAndLayout },
  { width: 1280, colorScheme: "light", rules: null },
] as const;

/**
 * No violation by axe-core in light and in dark, and nothing wider than the screen, at a desk and on a phone. Where a dialog is open,
 * what lies below it was looked at before.
 */
export async function expectGood(page: Page, what: string): Promise<void> {
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(await source);
  const before = page.viewportSize()!;
  for (const { width, colorScheme, rules } of views) {
    await page.setViewportSize({ width, height: 844 });
    await page.emulateMedia({ colorScheme });
    const tooWide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(tooWide, `${what} at ${width}`).toBeLessThanOrEqual(0);
    expect(await violations(page, rules), `${what} at ${width}, ${colorScheme}`).toEqual([]);
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null });
}

async function violations(page: Page, rules: readonly string[] | null): Promise<string[]> {
  // No rule that is on needs the style sheets fetched anew, and there are no frames.
  const options = { resultTypes: ["violations"], preload: false, iframes: false, ...(rules && { runOnly: rules }) };
  const [dialog] = await page.locator("dialog[open]").elementHandles();
  const run = ([part, how]: [unknown, object]) =>
    Reflect.get(globalThis, "axe").run(part ?? Reflect.get(globalThis, "document"), how);
  const { violations: found } = (await page.evaluate(run, [dialog, options] as [unknown, object])) as { violations: Violation[] };
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
}
