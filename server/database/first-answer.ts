import type postgres from "postgres";

/**
 * The result of the first statement on new connections. Where the other side accepts and hangs up (a proxy without its
 * server, another protocol), the library connects again for ever; ended, it fails instead.
 */
export async function firstAnswer<T>(sql: postgres.Sql, statement: PromiseLike<T>, patience = 15_000): Promise<T> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void sql.end({ timeout: 0 });
  }, patience);
  try {
    return await statement;
  } catch (cause) {
    if (!late) throw cause;
    throw Object.assign(new Error(`no answer within ${patience / 1000} s`, { cause }), { code: "CONNECT_TIMEOUT" });
  } finally {
    clearTimeout(timer);
  }
}
