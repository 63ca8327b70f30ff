import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { BackupError } from "../../engine/errors.ts";
import { homeFolder } from "../home.ts";
import { type Cluster, clusterUser, openCluster } from "./embedded-cluster.ts";
import { endOrphan, type Hold, joinServer, startServer } from "./embedded-server.ts";
import { firstAnswer } from "./first-answer.ts";

export interface Embedded {
  /** A postgres URL with its password; never print it. */
  url: string;
  /** Ends the server too, where no other process uses it. */
  release(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Folder that Holdall keeps its own things in. */
  home?: string;
  /** Gets a line where the data lies in an unexpected place. */
  say?: (line: string) => void;
}

/** A server whose keeper has not shown itself for so long has none. */
const orphanAfter = 5_000;
const giveUpAfter = 150_000;

/**
 * A real PostgreSQL of our own: starts it or joins the one that another process started in the same home, and makes the
 * database `name` where it is absent.
 * @throws BackupError `IO_DATABASE`
 */
export async function openEmbedded(name: string, options: EmbeddedOptions = {}): Promise<Embedded> {
  assertName(name);
  const say = options.say ?? ((line: string) => console.error(line));
  const cluster = await openCluster(options.home ?? homeFolder(), say);
  const held = await holdServer(cluster, name);
  return { url: urlOf(cluster, held.port, name), release: held.release };
}

async function holdServer(cluster: Cluster, name: string): Promise<Hold> {
  const began = Date.now();
  for (;;) {
    for (const attempt of [joinServer, startServer]) {
      const held = await attempt(cluster);
      if (held !== null && (await ensureDatabase(cluster, held, name))) return held;
    }
    const waited = Date.now() - began;
    if (waited > orphanAfter) await endOrphan(cluster);
    if (waited > giveUpAfter) throw gaveUp(cluster);
    await sleep(30);
  }
}

function gaveUp(cluster: Cluster): BackupError {
  const what = `the embedded PostgreSQL in ${cluster.folder} neither runs nor starts`;
  return new BackupError("IO_DATABASE", `${what}; end the process that postmaster.pid in ${cluster.data} names, and try again`);
}

/** False where the server went away between joining and asking: it was killed, or is stopping. */
async function ensureDatabase(cluster: Cluster, held: Hold, name: string): Promise<boolean> {
  const sql = postgres(urlOf(cluster, held.port, "postgres"), {
    max: 1,
    fetch_types: false,
    connect_timeout: 10,
    onnotice: () => {},
  });
  try {
    const [found] = await firstAnswer(sql, sql`select 1 from pg_database where datname = ${name}`);
    if (found === undefined) await sql`create database ${sql(name)}`;
    return true;
  } catch (error) {
    const { code = "" } = error as { code?: string };
    if (alreadyThere.has(code)) return true;
    await held.release();
    if (goneAway.has(code)) return false;
    const message = `database ${name} could not be opened in the embedded PostgreSQL in ${cluster.folder}: ${(error as Error).message}`;
    throw new BackupError("IO_DATABASE", message, {}, { cause: error });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** duplicate_database; unique_violation on its catalog, where two processes create it at once. */
const alreadyThere = new Set(["42P04", "23505"]);
/** Refused or cut connections; admin_shutdown, crash_shutdown, cannot_connect_now. */
const goneAway = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "57P01",
  "57P02",
  "57P03",
]);

function assertName(name: string): void {
  // 63 bytes is PostgreSQL's limit; it would cut a longer name silently.
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(name) && !/^(postgres|template[01])$/.test(name)) return;
  throw new BackupError(
    "IO_DATABASE",
    `embedded:${name} does not name a database; use up to 63 letters, digits, hyphens and underscores, not postgres or template0`,
  );
}

function urlOf(cluster: Cluster, port: number, name: string): string {
  return `postgres://${clusterUser}:${cluster.password}@127.0.0.1:${port}/${name}`;
}
