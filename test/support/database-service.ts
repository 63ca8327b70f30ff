import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  return {
    settings: { url },
    async stop() {
      await release();
      const outside = await realpath(join(home, "postgres"));
      for (const path of [outside, home]) await rm(path, { recursive: true, force: true });
    },
  };
}
