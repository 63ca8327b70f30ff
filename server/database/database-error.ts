import { BackupError } from "../../engine/errors.ts";

/** What to do, by SQLSTATE, by its class (two characters), or by the code of a failed connection. */
const remedies: Record<string, string> = {
  ECONNREFUSED: "nothing listens there; start the server or correct DATABASE_URL",
  ENOTFOUND: "no such host; correct DATABASE_URL",
  EAI_AGAIN: "the host's name could not be looked up; check the network or correct DATABASE_URL",
  ENOENT: "there is no such socket; start the server or correct DATABASE_URL",
  EACCES: "the socket may not be opened; run as a user who may",
  CONNECT_TIMEOUT: "it did not answer in time; check the network and the firewall",
  CONNECTION_CLOSED: "the connection was cut; check that the server still runs, and try again",
  CONNECTION_ENDED: "the connection was cut; check that the server still runs, and try again",
  CONNECTION_DESTROYED: "the connection was cut; check that the server still runs, and try again",
  ECONNRESET: "the connection was cut; check that the server still runs, and try again",
  EPIPE: "the connection was cut; check that the server still runs, and try again",
  "28": "check the user and password in DATABASE_URL",
  "3D": "create the database or correct DATABASE_URL",
  "08": "the connection was cut; check that the server still runs, and try again",
  "53100": "the server's disk is full; make room and try again",
  "53200": "the server is out of memory; try again when it is less busy",
  "53300": "all of the server's connections are taken; raise max_connections or close some",
  "57": "the server stopped or cancelled the statement; try again",
  "42501": "the database user lacks a privilege; grant it",
  "42P01": "a table is missing; run `holdall scope check`",
  "42703": "a column is missing; run `holdall scope check`",
  "40": "another transaction was in the way; try again",
  "55P03": "another transaction holds a lock; try again",
};

/**
 * A failure of the connection or of PostgreSQL, as ours. Errors that are ours already pass unchanged. `where` describes
 * the database without its password. PostgreSQL's `detail` and `hint` stay out: they can hold a row's values.
 */
export function databaseError(cause: unknown, where?: string): BackupError {
  if (cause instanceof BackupError) return cause;
  const { code, message, address, port, severity_local: fromServer } = innermost(cause);
  const place = where ?? (address === undefined ? "the database" : `the database at ${[address, port].flat().join(":")}`);
  const said = fromServer === undefined ? `could not be reached (${code ?? message})` : `said: ${message}`;
  const remedy = remedies[code ?? ""] ?? remedies[code?.slice(0, 2) ?? ""];
  const details = code === undefined ? {} : fromServer === undefined ? { cause: code } : { sqlstate: code };
  return new BackupError("IO_DATABASE", `${place} ${said}${remedy === undefined ? "" : `; ${remedy}`}`, details, { cause });
}

interface Failure {
  code?: string;
  message: string;
  address?: string | string[];
  port?: number | number[];
  severity_local?: string;
}

/** A name with several addresses fails with one error for each. */
function innermost(cause: unknown): Failure {
  if (cause instanceof AggregateError && cause.errors.length > 0) return innermost(cause.errors[0]);
  return cause instanceof Error ? (cause as Failure) : { message: String(cause) };
}
