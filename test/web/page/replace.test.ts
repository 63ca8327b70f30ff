import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { vault } from "../../../server/scopes/vault/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { folderStore } from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { exportVault, rowsOf, vaultInstance } from "../../support/vault.ts";
import { expectGood } from "./accessible.ts";
import { usePage } from "./chromium.ts";

vi.setConfig({ testTimeout: 120_000 });
const setup = usePage();
const db = useDatabase();
const temporaryFolder = useTemporaryFolders();

test("a vault is replaced once what would be deleted and lost was agreed to, box by box", async () => {
  const home = await temporaryFolder();
  const size = { users: 3, ciphers: 6, attachments: 2 };
  const source = await vaultInstance(db, folderStore(home, "source"), { ...size, users: 2, ciphers: 0, attachments: 0 });
  const bundle = await readFile(await exportVault(source, join(home, "vault.zip")));
  const target = await vaultInstance(db, folderStore(home, "target"), size);
  const installation = {
    db: { url: target.url, name: "", sql: target.sql },
    store: target.store,
    uploads: { folder: join(home, "uploads"), maxBytes: 64 * 1024 ** 2 },
  };
  const server = await setup.installations.serve(installation, { scope: vault, web: setup.web(), title: "Vault" });
  const { page, errors } = await setup.open({ viewport: { width: 390, height: 844 } });
  await page.goto(server.signInUrl);
  await page.goto(`${server.url}#/import`);
  await page.getByLabel("Bundle file").setInputFiles({ name: "vault.zip", mimeType: "application/zip", buffer: bundle });
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
