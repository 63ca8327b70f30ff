import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, test } from "vitest";
import { usePage } from "./chromium.ts";

/** Pictures of each page and state, to be looked at: `npm run shots` puts them into `shots/`. */
const folder = join(import.meta.dirname, "..", "..", "..", "shots");
const views = [
  { name: "desktop-light", width: 1280, height: 860, colorScheme: "light" },
  { name: "desktop-dark", width: 1280, height: 860, colorScheme: "dark" },
  { name: "phone-light", width: 390, height: 844, colorScheme: "light" },
  { name: "phone-dark", width: 390, height: 844, colorScheme: "dark" },
] as const;

describe.skipIf(process.env["HOLDALL_SHOTS"] !== "1")("pictures (npm run shots)", () => {
  const setup = usePage();
  test.each(views)("$name", { timeout: 300_000 }, async ({ name, width, height, colorScheme }) => {
    await mkdir(join(folder, name), { recursive: true });
    const { installations } = setup;
    const full = await installations.demo({ assets: 900, files: 40 });
    const target = await installations.empty();
    const options = { web: setup.web() };
    const from = await installations.serve(full, { ...options, title: "Demo installation" });
    const to = await installations.serve(target, { ...options, title: "Empty installation" });
    const { page } = await setup.open({
      alone: true,
      context: { viewport: { width, height }, colorScheme, deviceScaleFactor: 1 },
    });
    const shot = async (what: string, fullPage = true) => {
      await page.waitForTimeout(150);
      await page.screenshot({ path: join(folder, name, `${what}.png`), fullPage });
    };

    await page.goto(from.url);
    await page.getByRole("heading", { name: "Sign in first" }).waitFor();
    await shot("01-sign-in");
    await page.goto(from.signInUrl);
    await page.getByText(/rows? in \d+ tables/).waitFor();
    await shot("02-export");
    await page.getByLabel("Only some organizations").check();
    await page.locator("holdall-tenants li input").first().check();
    await page.getByText(/rows? in \d+ tables/).waitFor();
    await shot("02-export-some");
    await page.getByLabel("All organizations").check();
    await page.getByText(/rows? in \d+ tables/).waitFor();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export", exact: true }).click();
    const path = await (await downloading).path();
    await page.getByRole("heading", { name: /^Exported/ }).waitFor();
    await shot("03-exported");
    await page.goto(`${from.url}#/scope`);
    await page.getByText("tables included").waitFor();
    await shot("04-scope");
    await page.getByText("assets", { exact: true }).first().click();
    await shot("05-scope-table", false);

    await page.goto(`${from.url}#/nowhere`);
    await page.getByRole("heading", { name: "There is no page" }).waitFor();
    await shot("05-unknown");

    await page.goto(to.signInUrl);
    await page.goto(`${to.url}#/import/rows/assets`);
    await page.getByText("This address shows").waitFor();
    await shot("06-asked");
    await page.goto(`${to.url}#/import`);
    await page.getByRole("heading", { name: "Drop a bundle here" }).waitFor();
    await shot("06-import");
    await choose(page, "backup.zip", await readFile(path));
    await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
    await shot("07-sound");
    await page.getByText("checks passed").click();
    await shot("08-checks");
    await page.getByRole("button", { name: "Rows of assets" }).click();
    await page.getByLabel("Go to row").fill("500");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await page.getByRole("heading", { name: "Row 500" }).waitFor();
    await shot("09-rows", false);
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: /Files/ }).click();
    await page
      .getByRole("button", { name: /Look at .*png/ })
      .first()
      .waitFor();
    await shot("10-files");
    await page
      .getByRole("button", { name: /Look at .*png/ })
      .first()
      .click();
    await page.getByRole("img", { name: /Preview of/ }).waitFor();
    await shot("11-file", false);
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByRole("button", { name: "Import exactly this" }).waitFor();
    await shot("12-plan");
    await page.getByRole("button", { name: "Import exactly this" }).click();
    await page.getByRole("heading", { name: "Imported" }).waitFor();
    await shot("13-report");

    await target.db
      .sql`update assets set notes = 'Checked by hand in March' where id in (select id from assets order by id limit 23)`;
    await target.db
      .sql`update vulnerabilities set title = title || ' (reviewed)' where id in (select id from vulnerabilities order by id limit 9)`;
    await page.getByRole("button", { name: "Import another bundle" }).click();
    await choose(page, "backup.zip", await readFile(path));
    await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
    await page.getByText("Add and update").click();
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByRole("button", { name: "Import exactly this" }).waitFor();
    await shot("14-merge-plan");
    await page.getByRole("button", { name: "Rows of assets in the plan" }).click();
    await page.getByText("Checked by hand").first().waitFor();
    await shot("15-plan-rows", false);
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: "Choose another" }).click();
    const broken = await readFile(path);
    broken[broken.length >> 1]! ^= 0xff;
    await choose(page, "damaged.zip", broken);
    await page.getByRole("heading", { name: "Do not import this bundle" }).waitFor();
    await shot("16-damaged");
    await page.getByRole("button", { name: "Choose another" }).click();
    await choose(page, "holiday.zip", Buffer.from("PK no more"));
    await page.getByRole("alert").waitFor();
    await shot("17-no-bundle");
    await page.goto(`${to.url}example.html#/export`);
    await page.getByText(/rows? in \d+ tables/).waitFor();
    await shot("18-embedded");
  });

  async function choose(page: Page, name: string, buffer: Buffer) {
    await page.getByLabel("Bundle file").setInputFiles({ name, mimeType: "application/zip", buffer });
  }
});
