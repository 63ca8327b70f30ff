import type { Writable } from "node:stream";
import type postgres from "postgres";

export interface CopyIn {
  writable: Writable;
  /** Rows that PostgreSQL took, once the stream has finished. */
  count: Promise<number>;
}

/**
 * Opens `COPY … FROM STDIN`. postgres.js 3.4 tells the stream of a failure only while it takes data: what PostgreSQL finds after
 * the last byte goes to the query's promise, which has resolved to the stream by then, and the stream would wait for ever.
 */
export async function openCountedCopyIn(sql: postgres.Sql | postgres.TransactionSql, statement: string): Promise<CopyIn> {
  const query = sql.unsafe(statement);
  const writable = await query.writable();
  const { promise: count, resolve, reject } = Promise.withResolvers<number>();
  // Whoever does not count hears of a failure by the stream.
  count.catch(() => {});
  Object.assign(query, {
    reject(error: Error) {
      writable.destroy(error);
      reject(error);
    },
    resolve: (result: { count: number }) => resolve(result.count),
  });
  return { writable, count };
}

/** The same, for whoever does not count. */
export async function openCopyIn(sql: postgres.Sql | postgres.TransactionSql, statement: string): Promise<Writable> {
  return (await openCountedCopyIn(sql, statement)).writable;
}
