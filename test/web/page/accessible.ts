import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect } from "vitest";

const source = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  nodes: { target: unknown[]; failureSummary: string }[];
}

/** What the colour scheme bears on. */
const colourRules = ["color-contrast", "link-in-text-block"];

/** The phone first: where a flow goes on from the last one, it goes on at the desk. */
const widths = [390, 1280];

/**
 * No violation by axe-core and nothing wider than the screen, on a phone and at a desk; in dark only the rules on colours, since
 * nothing else is different there. Where a dialog is open, what lies below it was looked at before.
 */
export async function expectGood(page: Page, what: string): Promise<void> {
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(await source);
  const before = page.viewportSize()!;
  for (const width of widths) {
    await page.setViewportSize({ width, height: 844 });
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), `${what} at ${width}`).toBeLessThanOrEqual(
      0,
    );
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      expect(await violations(page, colorScheme), `${what} at ${width}, ${colorScheme}`).toEqual([]);
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

async function violations(page: Page, colorScheme: "light" | "dark"): Promise<string[]> {
  const options = { resultTypes: ["violations"], ...(colorScheme === "dark" && { runOnly: colourRules }) };
  const [dialog] = await page.locator("dialog[open]").elementHandles();
  const run = ([part, how]: [unknown, object]) =>
    Reflect.get(globalThis, "axe").run(part ?? Reflect.get(globalThis, "document"), how);
  const { violations: found } = (await page.evaluate(run, [dialog, options] as [unknown, object])) as { violations: Violation[] };
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
}
