import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { PreviewAnswer } from "../../../engine/http-types.ts";
import type { ImportReport } from "../../../engine/plan.ts";
import { createBackupApp } from "../../../server/http/backup-app.ts";
import { openapiDocument } from "../../../server/http/openapi.ts";
import { vault } from "../../../server/scopes/vault/scope.ts";
import { useDatabase } from "../../support/database.ts";
import { failingStore } from "../../support/failing-store.ts";
import { folderStore, type Instance } from "../../support/instances.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { emptyVault, exportVault, vaultInstance } from "../../support/vault.ts";
import { formOf } from "./installation.ts";
import { mismatches } from "./schema-check.ts";

const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const { schemas } = openapiDocument(vault).components;

let home: string;
let live: Instance;
let bundle: Buffer;

beforeAll(async () => {
  home = await temporaryFolder();
  live = await vaultInstance(db, folderStore(home, "live"), { ciphers: 6, attachments: 2 });
  bundle = await readFile(await exportVault(live, join(home, "bundle.zip")));
});

function appOf({ sql, store, importer }: Instance) {
  const uploads = { folder: join(home, "uploads"), maxBytes: 64 * 1024 ** 2 };
  const authorize = () => ({ email: importer.email });
  const app = createBackupApp({ authorize, sql, store, scope: vault, uploads });
  return (path: string, fields: Record<string, string> = {}) =>
    app.request(path, { method: "POST", body: formOf(bundle, fields) });
}

test("a preview plans the scope's first mode, and says what would have to be agreed to", async () => {
  const response = await appOf(live)("/import/preview");
  const preview = (await response.json()) as PreviewAnswer;
  expect(mismatches(preview, schemas["Preview"]!, schemas)).toEqual([]);
  expect(preview.plan).toMatchObject({ mode: "replace", users: [], replace: { occupied: { ciphers: 6, sends: 4 }, lost: [] } });
});

test("an import without consent is a 409 with its code and the counts; with it, it is done", async () => {
  const post = appOf(live);
  const refused = await post("/import", { mode: "replace" });
  expect(refused.status).toBe(409);
  const problem = await refused.json();
  expect(problem).toMatchObject({ code: "IMPORT_NOT_FRESH", replace: { occupied: { ciphers: 6 } } });
  expect(mismatches(problem, schemas["Problem"]!, schemas)).toEqual([]);
  expect((await post("/import", { mode: "replace", replace_existing: "yes" })).status).toBe(400);
  const done = await post("/import", { mode: "replace", replace_existing: "true" });
  expect(done.status).toBe(200);
  expect(mismatches(await done.json(), schemas["ImportReport"]!, schemas)).toEqual([]);
});

test("two at once: the second gets 409", async () => {
  const target = await emptyVault(db, folderStore(home, "target"));
  let second: Promise<Response> | undefined;
  const store = failingStore(target.store, {
    slow: (call) => {
      if (call !== "create") return undefined;
      second ??= Promise.resolve(appOf(target)("/import", { mode: "replace" }));
      return second;
    },
  });
  const first = await appOf({ ...target, store })("/import", { mode: "replace" });
  expect(first.status).toBe(200);
  expect(((await first.json()) as ImportReport).plan.tables.find(({ table }) => table === "ciphers")!.outcomes).toEqual({
    insert: 6,
  });
  const refused = await second!;
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ code: "IMPORT_LOCKED" });
});
