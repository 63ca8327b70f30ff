import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { vault } from "../../../server/scopes/vault/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { folderStore, type Instance } from "../../support/instances.ts";
import { archiveBytes, archiveName, sampleArchive } from "../../support/nodewarden.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { emptyVault, exportVault, rowsOf, vaultInstance } from "../../support/vault.ts";
import { expectGood } from "./accessible.ts";
import { usePage } from "./chromium.ts";

vi.setConfig({ testTimeout: 120_000 });
const setup = usePage();
const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

/** The page of a vault, with a bundle chosen. */
async function openVault(target: Instance, file: { name: string; buffer: Buffer }) {
  const installation = {
    db: { url: target.url, name: "", sql: target.sql },
    store: target.store,
    uploads: { folder: await temporaryFolder(), maxBytes: 64 * 1024 ** 2 },
  };
  const server = await setup.installations.serve(installation, { scope: vault, web: setup.web(), title: "Vault" });
  const { page, errors } = await setup.open({ viewport: { width: 390, height: 844 } });
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}#/import`);
  await page.getByLabel("Bundle file").setInputFiles({ mimeType: "application/zip", ...file });
  return { page, errors };
}

test("a vault is replaced once what would be deleted and lost was agreed to, box by box", async () => {
  const home = await temporaryFolder();
  const size = { users: 3, ciphers: 6, attachments: 2 };
  const source = await vaultInstance(db, folderStore(home, "source"), { ...size, users: 2, ciphers: 0, attachments: 0 });
  const bundle = await readFile(await exportVault(source, join(home, "vault.zip")));
  const target = await vaultInstance(db, folderStore(home, "target"), size);
  const { page, errors } = await openVault(target, { name: "vault.zip", buffer: bundle });
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  // Only what the scope offers, its first mode chosen.
  expect(await page.getByRole("radio").evaluateAll((radios) => radios.map((radio) => radio.getAttribute("value")))).toEqual([
    "replace",
    "skip_existing",
    "merge",
  ]);
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByRole("heading", { name: "This installation would be replaced" }).waitFor();
  await page.getByText("1 row of sends").waitFor();
  await expectGood(page, "replace");
  const apply = page.getByRole("button", { name: "Import exactly this" });
  expect(await apply.isDisabled()).toBe(true);
  await page.getByRole("checkbox", { name: /^Replace what is here: 6 rows of ciphers/ }).check();
  expect(await apply.isDisabled()).toBe(true);
  await page.getByRole("checkbox", { name: "Lose what no backup holds:" }).check();
  await page.getByRole("button", { name: "Rows of ciphers in the plan" }).click();
  await page.getByText("is not in the bundle: will be deleted").waitFor();
  await page.keyboard.press("Escape");
  await apply.click();
  await page.getByRole("heading", { name: "Imported" }).waitFor();
  await page.getByText(/\d+ rows deleted/).waitFor();
  expect(await rowsOf(target.sql, "ciphers")).toEqual([]);
  expect(await rowsOf(target.sql, "sends")).toHaveLength(2);
  expect(errors).toEqual([]);
});

test("a NodeWarden archive is looked into and imported; one whose name says another hash only once a person says yes", async () => {
  const target = await emptyVault(db, folderStore(await temporaryFolder(), "target"));
  const bytes = archiveBytes(sampleArchive());
  const name = await archiveName(bytes);
  const { page, errors } = await openVault(target, { name, buffer: Buffer.from(bytes) });
  await page.getByRole("heading", { name: "The bundle is sound" }).waitFor();
  await page.getByRole("button", { name: "Rows of ciphers" }).click();
  await page.getByText(/12345678901234567890\.10/).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Choose another" }).click();
  const renamed = name.replace(/[0-9a-f]{5}(?=\.zip$)/, (hash) => (hash === "00000" ? "00001" : "00000"));
  const other = { name: renamed, mimeType: "application/zip", buffer: Buffer.from(bytes) };
  await page.getByLabel("Bundle file").setInputFiles(other);
  await page.getByRole("heading", { name: "Do not import this bundle" }).waitFor();
  expect(await page.getByRole("button", { name: "Compare" }).isDisabled()).toBe(true);
  await expectGood(page, "another name");
  await page.getByRole("button", { name: "Take it in spite of its name" }).click();
  await page.getByRole("heading", { name: "Sound, with 1 warning" }).waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByRole("button", { name: "Import exactly this" }).click();
  await page.getByRole("heading", { name: "Imported" }).waitFor();
  await page
    .getByText(/accepted as asked/)
    .first()
    .waitFor();
  expect(await rowsOf(target.sql, "ciphers")).toHaveLength(5);
  const [journal] = await target.sql`select report from holdall_journal.imports`;
  expect(journal!["report"].plan.warnings).toEqual([expect.stringContaining("accepted as asked")]);
  expect(errors).toEqual([]);
});
