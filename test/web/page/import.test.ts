import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Page } from "playwright-core";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { ImportReport } from "../../../engine/plan.ts";
import { webFiles } from "../../../server/http/web-files.ts";
import { appOf, bearer, type TestInstallation } from "../../server/http/installation.ts";
import { rebuild } from "../../support/rebuild.ts";
import { expectGood } from "./accessible.ts";
import { usePage } from "./chromium.ts";

vi.setConfig({ testTimeout: 120_000 });
const setup = usePage();
let full: TestInstallation;
let bundle: Buffer;

beforeAll(async () => {
  full = await setup.installations.demo({ assets: 400, files: 20 });
  const answer = await appOf(full).request("/export", { method: "POST", headers: bearer });
  bundle = Buffer.from(await answer.arrayBuffer());
});

async function choose(page: Page, buffer: Buffer, name = "backup.zip"): Promise<void> {
  await page.getByLabel("Bundle file").setInputFiles({ name, mimeType: "application/zip", buffer });
}

async function openImport(target: TestInstallation, options: Parameters<typeof setup.open>[0] = {}) {
  const server = await setup.installations.serve(target, { web: setup.web(), title: "Target" });
  const opened = await setup.open(options);
  await opened.page.goto(server.signInUrl);
  await opened.page.goto(`${server.url}#/import`);
  await opened.page.getByRole("heading", { name: "Drop a bundle here" }).waitFor();
  return { ...opened, server };
}

test("on a phone, looked at on a desk, too: check, look inside, compare, import, report; by keyboard", async () => {
  const target = await setup.installations.empty();
  const { page, errors } = await openImport(target, { viewport: { width: 390, height: 844 } });
  const sent: string[] = [];
  page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
  await choose(page, bundle);
  await page.getByRole("heading", { name: /^easm / }).waitFor();
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByText("10 of 10 checks passed").click();
  // Not a byte has left this machine.
  expect(sent).toEqual([]);
  await expectGood(page, "sound");

  await page.getByRole("button", { name: "Rows of assets" }).press("Enter");
  await page.getByLabel("Go to row").fill("300");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Row 300" }).waitFor();
  await page.getByText("normalized_value").last().waitFor();
  await expectGood(page, "rows");
  await page.keyboard.press("Escape");

  await page.getByRole("tab", { name: /Tables/ }).press("ArrowRight");
  await page
    .getByRole("button", { name: /Look at .*\.png/ })
    .first()
    .press("Enter");
  const image = page.getByRole("img", { name: /Preview of/ });
  await expect.poll(() => image.evaluate((element) => Reflect.get(element, "naturalWidth"))).toBeGreaterThan(0);
  await expectGood(page, "file");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Compare" }).press("Enter");
  await page.getByText(/The import would add [\d,]+ rows/).waitFor();
  expect(await target.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 0 }]);
  await expectGood(page, "plan");
  await page.getByRole("button", { name: "Import exactly this" }).press("Enter");
  await page.getByRole("heading", { name: "Imported" }).waitFor();
  expect(await target.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 400 }]);
  await expectGood(page, "report");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save the report" }).press("Enter");
  const report = JSON.parse(await readFile((await (await downloading).path())!, "utf8")) as ImportReport;
  expect(report.plan.tables.find(({ table }) => table === "assets")!.outcomes).toEqual({ insert: 400 });
  expect(errors).toEqual([]);
});

test("a plan opens down to rows and fields, old and new; another mode needs no other upload", async () => {
  const target = await setup.installations.empty();
  await appOf(target).request("/import?mode=merge", {
    method: "POST",
    headers: { ...bearer, "Content-Type": "application/zip" },
    body: new Uint8Array(bundle),
  });
  await target.db.sql`update assets set notes = 'Mine <b>own</b>' where id in (select id from assets order by id limit 5)`;
  const { page, errors } = await openImport(target);
  const uploads: string[] = [];
  page.on("request", (request) => request.method() === "PATCH" && uploads.push(request.url()));
  await choose(page, bundle);
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByText("The import would change nothing").waitFor();
  await page.getByLabel("Add and update").check();
  await page.getByText("The import would update 5 rows").waitFor();
  expect(new Set(uploads).size).toBe(1);
  await page.getByRole("button", { name: "Rows of assets in the plan" }).click();
  await page.getByRole("button", { name: "update (5)" }).waitFor();
  await expect.poll(() => page.getByRole("cell", { name: "Mine <b>own</b>" }).count()).toBe(5);
  await page
    .getByRole("button", { name: /Row \d+ in the bundle/ })
    .first()
    .click();
  await page.getByText("normalized_value").waitFor();
  await expectGood(page, "plan rows");
  await page.getByRole("button", { name: /^identical/ }).click();
  await page.getByText("1 to 50 of 395").waitFor();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByText("51 to 100 of 395").waitFor();
  expect(errors).toEqual([]);
});

test("only what is missing travels: files that are here already are left out of the upload", async () => {
  const target = await setup.installations.empty();
  const raw = { ...bearer, "Content-Type": "application/zip" };
  await appOf(target).request("/import?mode=merge", { method: "POST", headers: raw, body: new Uint8Array(bundle) });
  const { page } = await openImport(target);
  const created = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/uploads"));
  await choose(page, bundle);
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
  const length = Number((await (await created).allHeaders())["upload-length"]);
  expect(length).toBeLessThan(bundle.length / 2);
  await page.getByText("The import would change nothing").waitFor();
});

test("the target changed since: the import is refused with the reason and can be compared again", async () => {
  const target = await setup.installations.empty();
  const { page } = await openImport(target);
  await choose(page, bundle);
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByRole("button", { name: "Import exactly this" }).waitFor();
  const [taken] = await full.db.sql`select slug from organizations limit 1`;
  await target.db
    .sql`insert into organizations (name, slug, created_by) select 'Another', ${taken!["slug"]}, id from users limit 1`;
  await page.getByRole("button", { name: "Import exactly this" }).click();
  await page.getByRole("alert").getByText("The installation has changed since the plan was made").waitFor();
  await expectGood(page, "plan changed");
  await page.getByRole("button", { name: "Compare again" }).click();
  await page.getByRole("button", { name: "Import exactly this" }).click();
  await page.getByRole("heading", { name: "Imported" }).waitFor();
});

test("a damaged bundle is explained, entry by entry, and cannot be compared", async () => {
  const { page, errors } = await openImport(await setup.installations.empty());
  const folder = await setup.installations.temporaryFolder();
  const [from, to] = [join(folder, "from.zip"), join(folder, "to.zip")];
  await writeFile(from, bundle);
  const edit = (path: string, text: string) => (path === "data/assets.json" ? text.replace('"type":"', '"type":"x') : text);
  await rebuild(from, to, { edit });
  await choose(page, await readFile(to));
  await page.getByRole("heading", { name: "Do not import this bundle" }).waitFor();
  await page.getByText("data/assets.json", { exact: false }).first().waitFor();
  await page.getByText("INTEGRITY_HASH").first().waitFor();
  expect(await page.getByRole("button", { name: "Compare" }).isDisabled()).toBe(true);
  await expectGood(page, "damaged");
  expect(errors).toEqual([]);
});

test("what is no bundle is refused with what it means and what to do, and the focus is there", async () => {
  const { page, errors } = await openImport(await setup.installations.empty());
  await choose(page, Buffer.from("PK no more"), "holiday.zip");
  const alert = page.getByRole("alert");
  await alert.getByText("ZIP_TRUNCATED").waitFor();
  await alert.getByText("What to do:").waitFor();
  expect(await alert.evaluate((element) => element.matches(":focus"))).toBe(true);
  await expectGood(page, "no bundle");
  expect(errors).toEqual([]);
});

test("nothing in a bundle can run: names, rows and files are text, and only real images are images", async () => {
  const script = "<img src=x onerror=alert(1)><script>alert(2)</script>";
  const source = await setup.installations.demo({ assets: 20, files: 4 });
  await source.db.sql`update assets set notes = ${script}`;
  const files = await source.db.sql`select id, object_key from files order by id`;
  const names = [`${script}.png`, "picture.svg", "page.html"];
  const bodies = [
    script,
    `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(3)"><script>alert(4)</script></svg>`,
    `<html><script>alert(5)</script>`,
  ];
  for (const [i, name] of names.entries()) {
    const key = `hostile/${i}`;
    const body = Buffer.from(bodies[i]!);
    const sha256 = (await import("node:crypto")).createHash("sha256").update(body).digest("hex");
    await source.store.create(
      key,
      (async function* () {
        yield body;
      })(),
      { size: body.length, sha256 },
    );
    await source.db
      .sql`update files set object_key = ${key}, original_name = ${name}, size_bytes = ${body.length}, sha256 = ${sha256},
      content_type = 'image/png' where id = ${files[i]!["id"]}`;
  }
  const hostile = await appOf(source).request("/export", { method: "POST", headers: bearer });
  const { page, errors } = await openImport(await setup.installations.empty());
  await choose(page, Buffer.from(await hostile.arrayBuffer()), `${script}.zip`);
  await page.getByRole("heading", { name: /The bundle is sound|Sound, with/ }).waitFor();
  await page.getByRole("button", { name: "Rows of assets" }).click();
  await page.getByRole("button", { name: "Row 1", exact: true }).click();
  await page.getByText(script).first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("tab", { name: /Files/ }).click();
  for (const name of names) {
    await page.getByRole("button", { name: `Look at ${name}` }).click();
    await page.locator("pre").filter({ hasText: "alert(" }).waitFor();
    expect(await page.getByRole("img", { name: /Preview of/ }).count()).toBe(0);
    await page.keyboard.press("Escape");
  }
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByRole("button", { name: "Import exactly this" }).waitFor();
  expect(errors).toEqual([]);
});

test("people of the bundle are mapped to people here, and only the tables that are chosen enter", async () => {
  const source = await setup.installations.demo({ assets: 20, files: 4 });
  const answer = await appOf(source).request("/export", { method: "POST", headers: bearer });
  const target = await setup.installations.empty();
  const { page, errors } = await openImport(target);
  await choose(page, Buffer.from(await answer.arrayBuffer()));
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByText("More choices").click();
  await page.getByRole("checkbox", { name: /^vulnerabilities/ }).uncheck();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByText(/people in the bundle, 0 are mapped/).click();
  await expectGood(page, "choices");
  await page.getByPlaceholder("nobody").first().fill("admin@easm.example");
  await page.getByRole("button", { name: "Use these people" }).click();
  await page.getByText(/people in the bundle, 1 is mapped/).waitFor();
  await page.getByRole("button", { name: "Import exactly this" }).click();
  await page.getByRole("heading", { name: "Imported" }).waitFor();
  expect(await target.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 20 }]);
  expect(await target.db.sql`select count(*)::int as n from vulnerabilities`).toMatchObject([{ n: 0 }]);
  expect(errors).toEqual([]);
});

/** A dialog says that it was closed, and Back arrives, a moment later: whoever goes elsewhere in between gets there. */
const elsewhereBeforeClosed = (dialog: EventTarget) => {
  Reflect.get(dialog, "close").call(dialog);
  Reflect.set(Reflect.get(globalThis, "location"), "hash", "#/import/plan/organizations");
};
const elsewhereOnceClosed = (dialog: EventTarget) => {
  const elsewhere = () => Reflect.set(Reflect.get(globalThis, "location"), "hash", "#/import/plan/organizations");
  dialog.addEventListener("close", elsewhere, { once: true });
  Reflect.get(dialog, "close").call(dialog);
};

test("what is open has an address: rows, files, warnings, a table of the plan; Back and Forward lead through them", async () => {
  const { page, errors, server } = await openImport(await setup.installations.empty());
  const at = (path: string) => expect.poll(() => page.url()).toBe(`${server.url}#/import${path}`);
  await page.goto(`${server.url}#/import/rows/assets/300`);
  await page.getByText("This address shows the rows of assets of a bundle").waitFor();
  await expectGood(page, "an address without its bundle");
  await choose(page, bundle);
  await page.getByRole("heading", { name: "Row 300" }).waitFor();
  await page.getByRole("button", { name: "Row 300", exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await at("");
  await page.getByRole("tab", { name: /Files/ }).click();
  await at("/files");
  const first = page.getByRole("button", { name: /^Look at / }).first();
  const name = (await first.textContent())!.trim();
  await first.click();
  const file = page.getByRole("dialog", { name });
  await file.waitFor();
  const address = page.url();
  await page.goBack();
  await file.waitFor({ state: "detached" });
  await at("/files");
  await page.goForward();
  await file.waitFor();
  await page.keyboard.press("Escape");
  await at("/files");
  await page.goto(`${server.url}#/import/warnings`);
  await page.getByRole("tab", { name: /Warnings/, selected: true }).waitFor();
  await page.goto(address);
  await file.waitFor();
  await page.keyboard.press("Escape");
  await page.goto(`${server.url}#/import/rows/nothing`);
  await page.getByText("This bundle has no table “nothing”").waitFor();
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByRole("button", { name: "Rows of assets in the plan" }).click();
  await at("/plan/assets");
  await page.goto(`${server.url}#/import/plan/organizations`);
  await page.getByRole("dialog", { name: "organizations" }).waitFor();
  await page.keyboard.press("Escape");
  await at("");
  for (const when of [elsewhereBeforeClosed, elsewhereOnceClosed]) {
    await page.getByRole("button", { name: "Rows of assets in the plan" }).click();
    await page.getByRole("dialog", { name: "assets" }).evaluate(when);
    await page.getByRole("dialog", { name: "organizations" }).waitFor();
    await at("/plan/organizations");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await at("");
  }
  expect(errors).toEqual([]);
});

test("a bundle is opened by its address, in ranges, and not uploaded from there; a server without ranges is explained", async () => {
  const target = await setup.installations.empty();
  const files = webFiles({ folder: setup.web() });
  const app = new Hono();
  app.route("/api/v1/admin/backup", appOf(target, { authorize: () => ({ email: "admin@easm.example" }) }));
  app.get("/whole.zip", (c) => c.body(new Uint8Array(bundle)));
  const parts: number[] = [];
  app.get("/ranges.zip", (c) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(c.req.header("range") ?? "")!.map(Number) as [number, number, number];
    const part = bundle.subarray(from, to + 1);
    parts.push(part.length);
    return c.body(new Uint8Array(part), 206, { "Content-Range": `bytes ${from}-${to}/${bundle.length}`, ETag: '"1"' });
  });
  app.get("*", (c) => files(c.req.raw));
  const host = createAdaptorServer({ fetch: app.fetch });
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  onTestFinished(() => void host.close());
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/`;
  const { page, errors } = await setup.open();
  await page.goto(`${url}#/import`);
  const open = async (name: string) => {
    await page.getByRole("button", { name: "Open an address" }).click();
    await page.getByLabel("Address of a bundle").fill(`${url}${name}`);
    await page.getByRole("button", { name: "Open", exact: true }).click();
  };
  await open("whole.zip");
  const alert = page.getByRole("alert");
  await alert.getByText(/allows no byte ranges.*; download the file, and choose it/).waitFor();
  await expectGood(page, "no ranges");
  await page.getByRole("button", { name: "Choose another" }).click();
  await open("ranges.zip");
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  expect(parts.reduce((sum, length) => sum + length, 0)).toBeGreaterThanOrEqual(bundle.length);
  await page.getByText("A bundle that was opened by its address cannot be uploaded from here").waitFor();
  await expectGood(page, "address");
  expect(errors).toEqual([]);
});
