import postgres from "postgres";
import { BackupError } from "../../engine/errors.ts";
import { homeFolder } from "../home.ts";
import { databaseError } from "./database-error.ts";
import { openEmbedded } from "./embedded.ts";
import { firstAnswer } from "./first-answer.ts";
import { openSocket } from "./open-socket.ts";

export { databaseError } from "./database-error.ts";

export interface Connection {
  sql: postgres.Sql;
  /** For messages: database, host and port, never the password. */
  description: string;
  /** Ends the connections, and an embedded server that nobody else uses. Running queries get five seconds. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Most connections at a time; ten where absent. */
  max?: number;
  /** Home of an embedded server; `HOLDALL_HOME`, else `.holdall`, where absent. */
  home?: string;
  env?: Record<string, string | undefined>;
  /** Milliseconds that the first answer may take; 15,000 where absent. */
  patience?: number;
  say?: (line: string) => void;
}

/**
 * Whatever shapes a value's text is pinned on every connection, above what the server, the database, the role or the URL
 * say: the same data gives the same bytes everywhere.
 */
export const sessionSettings = Object.freeze({
  TimeZone: "UTC",
  DateStyle: "ISO, YMD",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "1",
  // An amount of money is read and written by it, and means another one under another.
  lc_monetary: "C",
  client_encoding: "UTF8",
  application_name: "holdall",
  // Compiling costs more than the short statements of a catalog or a plan take.
  jit: "off",
});

/**
 * Opens `postgres://…` or `embedded:NAME` and makes sure that the database answers.
 * @throws BackupError `IO_DATABASE`
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Connection> {
  const { env = process.env, say } = options;
  if (!url.startsWith("embedded:")) return connectServer(assertUrl(url), options, describeUrl(url), async () => {});
  const home = options.home ?? homeFolder(env);
  const embedded = await openEmbedded(url.slice("embedded:".length), { home, ...(say && { say }) });
  return connectServer(embedded.url, options, `${url} in ${home}`, embedded.release);
}

async function connectServer(
  url: string,
  { max = 10, patience }: ConnectOptions,
  description: string,
  release: () => Promise<void>,
): Promise<Connection> {
  const sql = pool(url, max, description);
  const close = async () => {
    await sql.end({ timeout: 5 });
    await release();
  };
  try {
    await firstAnswer(sql, sql`select 1`, patience);
  } catch (cause) {
    await close();
    throw databaseError(cause, description);
  }
  return { sql, description, close };
}

function pool(url: string, max: number, description: string): postgres.Sql {
  try {
    return postgres(withKnownParameters(url), {
      max,
      connection: sessionSettings,
      connect_timeout: 10,
      // A transaction that moves a large installation outlives the library's half hour.
      max_lifetime: null,
      fetch_types: false,
      onnotice: () => {},
      ...(hasSeveralHosts(url) ? {} : { socket: openQuickly }),
    } as postgres.Options<Record<string, never>>);
  } catch {
    // Without its cause, which holds the whole URL.
    const what = `${description} cannot be reached: its URL does not parse`;
    throw new BackupError("IO_DATABASE", `${what}; write reserved characters of the password as %XX and the port as a number`);
  }
}

/** Of several hosts the library tries one after the other, by sockets of its own making. */
function hasSeveralHosts(url: string): boolean {
  return describeUrl(url).includes(",");
}

function openQuickly({ host, port, path }: { host: string[]; port: number[]; path?: string | undefined }) {
  return openSocket(path ? { path } : { host: host[0]!, port: port[0]! });
}

/**
 * Sent on to the server, every other parameter would be a setting: it refuses those that belong to another client
 * (Prisma's `schema`, libpq's `channel_binding`), and would let them undo our own.
 */
const knownParameters = /^(ssl|sslmode|sslrootcert|sslnegotiation|connect_timeout|target_session_attrs|options|search_path)$/;

function withKnownParameters(url: string): string {
  const [address = "", query = ""] = url.split(/\?(.*)/s);
  const kept = new URLSearchParams([...new URLSearchParams(query)].filter(([name]) => knownParameters.test(name)));
  return kept.size === 0 ? address : `${address}?${kept}`;
}

function assertUrl(url: string): string {
  if (/^postgres(ql)?:\/\/./.test(url)) return url;
  throw new BackupError(
    "IO_DATABASE",
    "the database is neither a postgres URL nor embedded:NAME; use postgres://user:password@host:5432/database",
  );
}

/** Read with a pattern, because a URL with several hosts, or an unescaped password, does not parse. */
function describeUrl(url: string): string {
  const [, host = "", database = ""] = /^postgres(?:ql)?:\/\/(?:.*@)?([^/?]*)(?:\/([^?]*))?/s.exec(url) ?? [];
  const address = host === "" ? "the default host" : decode(host);
  return `${database === "" ? "the default database" : `database ${decode(database)}`} at ${address}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
