import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../../server/database/connect.ts";
import { openEmbedded } from "../../server/database/embedded.ts";
import type { Service } from "./services.ts";

/** One cluster for the run, or the server that `HOLDALL_TEST_DATABASE_URL` names (its user must create databases). */
export async function startDatabase(): Promise<Service> {
  const external = process.env["HOLDALL_TEST_DATABASE_URL"];
  if (external) return { settings: { url: external }, async stop() {} };
  const home = await mkdtemp(join(tmpdir(), "holdall-test-"));
  // As root, the server runs as another user, who has to get through.
  await chmod(home, 0o711);
  const { url, release } = await openEmbedded("test", { home, say: () => {} });
  await forgoDurability(url);
  return {
    settings: { url },
    async stop() {
      await release();
      const outside = await realpath(join(home, "postgres"));
      for (const path of [outside, home]) await rm(path, { recursive: true, force: true });
    },
  };
}

/**
 * The cluster dies with the run. Hundreds of databases are made and dropped in it, each of which would wait for the disk, and be
 * visited by autovacuum.
 */
async function forgoDurability(url: string): Promise<void> {
  const { sql, close } = await connect(url, { max: 1 });
  for (const setting of ["fsync", "synchronous_commit", "full_page_writes", "autovacuum"])
    await sql.unsafe(`alter system set ${setting} = off`);
  await sql`select pg_reload_conf()`;
  await close();
}
