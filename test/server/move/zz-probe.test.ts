import { join } from "node:path";
import { expect, test } from "vitest";
import { connect } from "../../../server/database/connect.ts";
import { useDatabase } from "../../support/database.ts";
import { demoInstance, emptyInstance, exportFile, folderStore, importFile } from "../../support/instances.ts";
import { useSqlTaps } from "../../support/sql-tap.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const db = useDatabase();
const folder = useTemporaryFolders();
const tapOf = useSqlTaps();
test("statements", async () => {
  const home = await folder();
  const source = await demoInstance(db, folderStore(home, "s"), {assets: 60, files: 12, orgs: 2});
  const path = await exportFile(source, join(home, "a.zip"));
  const target = await emptyInstance(db, folderStore(home, "t"));
  const tap = await tapOf(target.url);
  const c = await connect(tap.url);
  const t0 = performance.now();
  await importFile({ ...target, sql: c.sql }, path);
  console.log(performance.now() - t0, tap.statements.length);
  console.log(tap.statements.map((s, i) => `${i + 1} ${s.replaceAll(/\s+/g, " ").slice(0, 110)}`).join("\n"));
  await c.close();
});
