import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Sql } from "postgres";
import type { BlobStore } from "../blobs/blob-store.ts";
import { fileStore } from "../blobs/file-store.ts";
import { type Connection, connect } from "../database/connect.ts";
import { homeFolder } from "../home.ts";
import type { Scope } from "../scope/define-scope.ts";
import type { Demo } from "../scopes/demo/demo.ts";
import { demoSizes } from "../scopes/demo/sizes.ts";
import * as easmDemo from "../scopes/easm/demo.ts";
import { easm } from "../scopes/easm/scope.ts";
import * as vaultDemo from "../scopes/vault/demo.ts";
import { vault } from "../scopes/vault/scope.ts";
import { type RunningServer, startServer } from "./serve.ts";

const usage = `npm start [-- --scope easm|vault] [--port N]

Starts a real PostgreSQL with two installations of a demo application, one in use and one empty, and serves both:
export from the first, import into the second. Data lies in HOLDALL_HOME (default .holdall) and is kept; remove that
folder to begin anew.

  --scope NAME   easm, an attack surface manager, or vault, a password vault (default easm)
  --port N       the first address to try; the other takes the next one that is free (default 8080)
`;

interface Installation {
  name: string;
  title: string;
  fill(sql: Sql, store: BlobStore): Promise<unknown>;
}

/** The two installations of one demo application. */
interface Pair {
  scope: Scope;
  demo: Demo;
  installations: Installation[];
  /** How much there is in the first. */
  holds: string;
}

function pairOf(scope: Scope, demo: Demo, prefix: string): Pair {
  const sizes = Object.entries(demoSizes[scope.name as keyof typeof demoSizes]);
  const options = { ...Object.fromEntries(sizes.map(([name, size]) => [name, size.default])), seed: 1 };
  return {
    scope,
    demo,
    installations: [
      { name: `${prefix}demo`, title: "Demo installation", fill: (sql, store) => demo.fillDemo(sql, store, options) },
      { name: `${prefix}empty`, title: "Empty installation", fill: (sql) => demo.fillEmpty(sql, {}) },
    ],
    holds: sizes.map(([name, size]) => `${size.default} ${name}`).join(", "),
  };
}

const pairs = { easm: () => pairOf(easm, easmDemo, ""), vault: () => pairOf(vault, vaultDemo, "vault-") };

/** Serves until Ctrl-C. @returns the exit code. */
export async function runStart(args: string[]): Promise<number> {
  const chosen = parse(args);
  if (chosen === null) return 2;
  if (chosen === "help") {
    process.stdout.write(usage);
    return 0;
  }
  const interrupted = nextSignal();
  const opened: (() => Promise<void>)[] = [];
  const home = homeFolder();
  try {
    say("Starting PostgreSQL and preparing two demo installations (the first time takes a little longer) …");
    const servers = await openPair(chosen, home, opened, interrupted.signal);
    say(welcome(servers, home, chosen.pair));
    await interrupted.promise;
    say("\nStopping …");
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return 0;
    process.stderr.write(`${(error as Error).message}\n`);
    return 3;
  } finally {
    for (const close of opened.reverse()) await close().catch((error) => process.stderr.write(`${error.message}\n`));
  }
}

interface Chosen {
  pair: Pair;
  port: number;
}

function parse(args: string[]): Chosen | "help" | null {
  const options = { scope: { type: "string" }, port: { type: "string" }, help: { type: "boolean", short: "h" } } as const;
  try {
    const { values } = parseArgs({ args, options });
    if (values.help) return "help";
    const port = Number(values.port ?? 8080);
    const name = values.scope ?? (process.env["HOLDALL_SCOPE"] || "easm");
    const isPort = Number.isInteger(port) && port >= 0 && port < 65535;
    if (isPort && Object.hasOwn(pairs, name)) return { pair: pairs[name as keyof typeof pairs](), port };
    const wrong = isPort
      ? `--scope is ${Object.keys(pairs).join(" or ")}, not ${name}`
      : `--port is a number up to 65534, not ${values.port}`;
    process.stderr.write(`${wrong}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
  }
  return null;
}

/** Ctrl-C closes in order; a second one ends at once. */
function nextSignal(): { promise: Promise<void>; signal: AbortSignal } {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      controller.abort();
      resolve();
    });
  }
  return { promise, signal: controller.signal };
}

async function openPair(
  { pair, port: first }: Chosen,
  home: string,
  opened: (() => Promise<void>)[],
  signal: AbortSignal,
): Promise<RunningServer[]> {
  const servers: RunningServer[] = [];
  let port = first;
  for (const installation of pair.installations) {
    signal.throwIfAborted();
    const connection = await connect(`embedded:${installation.name}`, { home });
    opened.push(() => connection.close());
    const store = fileStore(join(home, "blobs", installation.name));
    await prepare(connection, store, pair.demo, installation);
    const server = await listen(port, { scope: pair.scope, connection, store, title: installation.title, home });
    opened.push(() => server.close());
    servers.push(server);
    port = first === 0 ? 0 : Number(new URL(server.url).port) + 1;
  }
  return servers;
}

/** Made once: an installation with a user in it is left as it is. */
async function prepare({ sql }: Connection, store: BlobStore, demo: Demo, installation: Installation): Promise<void> {
  const [found] = await sql`select to_regclass('public.users') is not null as made`;
  if (found?.["made"] !== true) await demo.makeSchema(sql);
  const users = await sql`select 1 from users limit 1`;
  if (users.length > 0) return;
  // A filling that was interrupted left objects and no rows.
  for await (const { key } of store.list()) await store.remove(key);
  await installation.fill(sql, store);
}

async function listen(
  first: number,
  { home, ...served }: { scope: Scope; connection: Connection; store: BlobStore; title: string; home: string },
): Promise<RunningServer> {
  for (let port = first; ; port++) {
    try {
      return await startServer({ ...served, port, uploads: { folder: join(home, "uploads") } });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || port >= first + 100) throw error;
    }
  }
}

function welcome([full, empty]: RunningServer[], home: string, { scope, holds }: Pair): string {
  return `
Holdall is running with two demo installations of the application ${scope.name}.

  Demo installation   ${full!.url}    (${holds})
    sign in:          ${full!.signInUrl}

  Empty installation  ${empty!.url}    (one admin, nothing else)
    sign in:          ${empty!.signInUrl}

Open the first, export it, then open the second, preview the bundle there and import it.
A sign-in link makes an admin of whoever opens it, and works until Holdall stops. Machines use a bearer token:
  HOLDALL_ADMIN_TOKEN=… npm start    gives both a token of your own
The other demo starts with: npm start -- --scope ${scope.name === "easm" ? "vault" : "easm"}
Data is kept in ${home}; remove that folder to begin anew. Ctrl-C stops both and the PostgreSQL.
`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
