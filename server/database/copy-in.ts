import type { Writable } from "node:stream";
import type postgres from "postgres";

/**
 * Opens `COPY … FROM STDIN`. postgres.js 3.4 tells the stream of a failure only while it takes data: what PostgreSQL finds after
 * the last byte goes to the query's promise, which has resolved to the stream by then, and the stream would wait for ever.
 */
export async function openCopyIn(sql: postgres.Sql | postgres.TransactionSql, statement: string): Promise<Writable> {
  const query = sql.unsafe(statement);
  const sink = await query.writable();
  Object.assign(query, { reject: (error: Error) => sink.destroy(error) });
  return sink;
}
