import type { Socket } from "node:net";
import postgres, { type Sql } from "postgres";
import { sessionSettings } from "./connect.ts";
import { firstAnswer } from "./first-answer.ts";
import { openSocket, type Place } from "./open-socket.ts";
import { parseTableKey } from "./table-key.ts";

/** One connection of its own, for work that holds a transaction, a lock or temporary tables. */
export interface Session {
  sql: Sql;
  pid: number;
  /** Aborts when the connection is lost; statements fail from then on. */
  lost: AbortSignal;
  /** Closes the connection at once, and ends what still runs on it in the server. */
  end(): Promise<void>;
}

/** Opens another connection to where `pool` is connected. */
export async function openSession(pool: Sql): Promise<Session> {
  const line = new Line(pool.options);
  const sql = postgres({
    ...pool.options,
    max: 1,
    idle_timeout: null,
    max_lifetime: null,
    fetch_types: false,
    onnotice: () => {},
    // Told of several hosts, the library would wait for a socket of its own making to fail.
    host: pool.options.host.slice(0, 1),
    port: pool.options.port.slice(0, 1),
    socket: () => line.open(),
    connection: {
      ...pool.options.connection,
      ...sessionSettings,
      // A server that is busy computing notices within a second that nobody listens any more.
      client_connection_check_interval: "1s",
    },
  } as unknown as postgres.Options<Record<string, never>>);
  try {
    const [row] = await firstAnswer(
      sql,
      sql`select pid, backend_start::text as start from pg_stat_activity where pid = pg_backend_pid()`,
    );
    return open(pool, sql, line, row as unknown as Backend);
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}

interface Backend {
  pid: number;
  start: string;
}

function open(pool: Sql, sql: Sql, line: Line, { pid, start }: Backend): Session {
  line.seal();
  let ended: Promise<void> | undefined;
  const end = async () => {
    // A COPY to a reader that does not read any more heeds no cancelling. The start tells it from a later process of that number.
    await pool`select pg_terminate_backend(${pid}) from pg_stat_activity
      where pid = ${pid} and backend_start::text = ${start} and state = 'active'`.catch(() => {});
    await sql.end({ timeout: 0 });
    line.close();
  };
  return {
    sql,
    pid,
    lost: line.lost,
    end() {
      ended ??= end();
      return ended;
    },
  };
}

/**
 * The one connection of a session. The library would connect again in silence, and what follows would run outside of the
 * transaction, without the lock: once sealed, a lost connection stays lost.
 */
class Line {
  readonly #places: Place[];
  readonly #lost = new AbortController();
  #socket: Socket | undefined;
  #tried = 0;
  #sealed = false;

  constructor({ host, port, path }: { host: string[]; port: number[]; path?: string | undefined }) {
    this.#places = path ? [{ path }] : host.map((name, i) => ({ host: name, port: port[i]! }));
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Several hosts are tried in turn, the next one first where the library finds one unfit (`target_session_attrs`). */
  async open(): Promise<Socket> {
    let failure: unknown = connectionLost();
    for (let i = 0; i < this.#places.length && !this.#sealed; i++) {
      const place = this.#places[this.#tried++ % this.#places.length]!;
      try {
        this.#socket = await openSocket(place);
        return this.#socket;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** The session is made: no other connection can take its place. */
  seal(): void {
    this.#sealed = true;
    if (this.#socket!.destroyed) this.#lost.abort(connectionLost());
    else this.#socket!.once("close", () => this.#lost.abort(connectionLost()));
  }

  /** At once: a paused socket would never see its own end. */
  close(): void {
    this.#socket?.destroy();
  }
}

function connectionLost(): Error {
  return Object.assign(new Error("the connection was lost"), { code: "CONNECTION_CLOSED" });
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

/** A table by its key (`tableKey`), for SQL that does not depend on the search path. */
export function quoteTableKey(key: string): string {
  return quoteTable(parseTableKey(key));
}

export function quoteTable(table: { schema: string; name: string }): string {
  return `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`;
}
