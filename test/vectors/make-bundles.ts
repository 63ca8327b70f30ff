/**
 * Makes the bundles of this folder that are not there yet; one that was released is never made anew:
 * `node test/vectors/make-bundles.ts`. Needs the embedded PostgreSQL.
 */
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type postgres from "postgres";
import { concat } from "../../engine/bytes.ts";
import { fileStore } from "../../server/blobs/file-store.ts";
import { connect } from "../../server/database/connect.ts";
import { exportBundle } from "../../server/export/export-bundle.ts";
import type { Scope } from "../../server/scope/define-scope.ts";
import { fillDemo, makeSchema } from "../../server/scopes/easm/demo.ts";
import { easm } from "../../server/scopes/easm/scope.ts";
import { rows, versions } from "./shop.ts";

const home = await mkdtemp(join(tmpdir(), "holdall-vectors-"));
// As root, the server runs as another user, who has to get through.
await chmod(home, 0o711);
const store = fileStore(join(home, "blobs"));

async function make(name: string, fill: (sql: postgres.Sql) => Promise<unknown>, scope: Scope): Promise<void> {
  const connection = await connect(`embedded:${name.replaceAll("-", "_")}`, { home });
  try {
    await fill(connection.sql);
    for (const container of ["zip", "ndjson"] as const) {
      const path = join(import.meta.dirname, "bundles", `${name}-format-1.${container}`);
      if (existsSync(path)) continue;
      const chunks: Uint8Array[] = [];
      const createdAt = new Date("2026-03-01T12:00:00Z");
      for await (const chunk of exportBundle({ sql: connection.sql, store, scope, container, createdAt })) chunks.push(chunk);
      await writeFile(path, concat(chunks));
    }
  } finally {
    await connection.close();
  }
}

for (const [version, { schema, scope }] of Object.entries(versions)) {
  await make(`shop-${version}`, (sql) => sql.unsafe(`${schema}${rows[Number(version)]}`), scope);
}
const demo = async (sql: postgres.Sql) => {
  await makeSchema(sql);
  await fillDemo(sql, store, { assets: 12, files: 3, orgs: 2, seed: 7 });
};
await make(`easm-${easm.version}`, demo, easm);
await rm(home, { recursive: true, force: true });
