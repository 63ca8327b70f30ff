import type { Sql } from "postgres";

/**
 * Does `work` in one transaction of a session: of a single connection, that is, on which plain statements follow one another.
 * The library's own `begin` ends the process where the connection is lost within it: it writes the rollback to a socket that is
 * gone (porsager/postgres#1208).
 *
 * `lost` aborts with the session. Whatever `work` throws is thrown behind the rollback.
 */
export async function inOneTransaction<T>(sql: Sql, work: () => Promise<T>, lost?: AbortSignal): Promise<T> {
  // Whatever the database's default: it must see what other connections of the import commit meanwhile.
  await sql.unsafe("begin isolation level read committed");
  try {
    const result = await work();
    await sql.unsafe("commit");
    return result;
  } catch (error) {
    await rollback(sql, lost);
    throw error;
  }
}

/** A session that was lost in the middle of a COPY answers nothing any more, and PostgreSQL has rolled back by itself. */
async function rollback(sql: Sql, signal: AbortSignal | undefined): Promise<void> {
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted) resolve();
  else signal?.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([sql.unsafe("rollback").catch(() => {}), lost]);
}
