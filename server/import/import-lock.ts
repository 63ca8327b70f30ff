import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";

/**
 * One import at a time in a database. The lock belongs to the session, so that PostgreSQL frees it when a process dies; for
 * that it needs a moment (`client_connection_check_interval`), which is what the few attempts are for.
 * @throws BackupError `IMPORT_LOCKED`
 */
export async function takeImportLock(sql: Sql): Promise<void> {
  for (let attempt = 0; attempt < 4; attempt++) {
    if (attempt > 0) await sleep(400);
    const [row] = await sql`select pg_try_advisory_lock(hashtext('holdall'), hashtext('import')) as taken`;
    if (row?.["taken"] === true) return;
  }
  throw new BackupError("IMPORT_LOCKED", "another import is running in this database; wait until it has ended and try again");
}
