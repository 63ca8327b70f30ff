import { connect, type Socket } from "node:net";
import postgres, { type Sql } from "postgres";
import { sessionSettings } from "./connect.ts";

/** One connection of its own, for work that holds a transaction, a lock or temporary tables. */
export interface Session {
  sql: Sql;
  pid: number;
  /** Closes the connection at once; whatever still runs on it is cancelled in the server. */
  end(): Promise<void>;
}

/** Opens another connection to where `pool` is connected. */
export async function openSession(pool: Sql): Promise<Session> {
  const sql = postgres({
    ...pool.options,
    max: 1,
    idle_timeout: null,
    max_lifetime: null,
    fetch_types: false,
    onnotice: () => {},
    ...promptSocket(pool.options),
    connection: {
      ...pool.options.connection,
      ...sessionSettings,
      // A server that is busy computing notices within a second that nobody listens any more.
      client_connection_check_interval: "1s",
    },
  } as unknown as postgres.Options<Record<string, never>>);
  const [row] = await sql`select pg_backend_pid() as pid`;
  const pid = row?.["pid"] as number;
  let ended = false;
  return {
    sql,
    pid,
    async end() {
      if (ended) return;
      ended = true;
      await pool`select pg_cancel_backend(${pid}) from pg_stat_activity where pid = ${pid} and state = 'active'`.catch(() => {});
      await sql.end({ timeout: 0 });
    },
  };
}

/**
 * postgres.js leaves Nagle's algorithm on: the last packet of every COPY then waits tens of milliseconds for an
 * acknowledgement. Several hosts are left to the library, which knows how to go from one to the next.
 */
function promptSocket({ host, port, path }: { host: string[]; port: number[]; path?: string | undefined }): object {
  if (path || host.length !== 1) return {};
  const socket = () =>
    new Promise<Socket>((resolve, reject) => {
      const opened = connect({ host: host[0]!, port: port[0]!, noDelay: true, timeout: 10_000 });
      opened.once("connect", () => {
        opened.removeAllListeners().setTimeout(0);
        resolve(opened);
      });
      opened.once("error", reject);
      opened.once("timeout", () => opened.destroy(new Error("connecting took more than ten seconds")));
    });
  return { socket };
}

/** An identifier quoted for SQL. */
export function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string quoted for SQL, whatever `standard_conforming_strings` says. */
export function quoteLiteral(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return doubled.includes("\\") ? `E'${doubled.replaceAll("\\", "\\\\")}'` : `'${doubled}'`;
}

export function quoteTable(table: { schema: string; name: string }): string {
  return `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`;
}
