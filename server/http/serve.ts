import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Pool } from "../blobs/pool.ts";
import type { Connection } from "../database/connect.ts";
import type { Scope } from "../scope/define-scope.ts";
import { Auth } from "./auth.ts";
import { type BackupDependencies, createBackupApp } from "./backup-app.ts";
import { Running } from "./running.ts";
import { securityHeaders } from "./security-headers.ts";
import type { UploadOptions } from "./spool.ts";
import { webFiles } from "./web-files.ts";

export interface ServeOptions {
  scope: Scope;
  /** Stays open when the server closes; so does the store. */
  connection: Pick<Connection, "sql">;
  store: BlobStore;
  /** For files by reference; stays open as well. */
  pool?: Pool;
  /** 127.0.0.1 where absent. */
  host?: string;
  /** 8080 where absent; 0 takes any that is free. */
  port?: number;
  /** `HOLDALL_ADMIN_TOKEN`, else a new one, where absent. */
  token?: string;
  /** In whose name rows enter; the eldest active admin where absent. */
  adminEmail?: string;
  /** Shown above the page. */
  title?: string;
  uploads?: UploadOptions;
  /** Folder of the built page. */
  web?: string;
  log?: (error: unknown) => void;
}

export interface RunningServer {
  /** Ends with a slash. */
  url: string;
  /** Gives the session cookie to whoever opens it: as secret as the token. */
  signInUrl: string;
  token: string;
  /** Ends exports, uploads and previews, waits for an import that is applying, then frees the port. */
  close(): Promise<void>;
}

export const apiPath = "/api/v1/admin/backup";
/** For answers that are on their way when everything else has ended. */
const closeGrace = 2_000;

/**
 * Serves the API and the page.
 * @throws BackupError `REQUEST_INVALID` for a token that is too short; the system's error (EADDRINUSE) for a port.
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8080 } = options;
  const token = options.token ?? (process.env["HOLDALL_ADMIN_TOKEN"] || undefined);
  const auth = new Auth({ ...(token && { token }), ...(options.adminEmail && { adminEmail: options.adminEmail }) });
  const running = new Running();
  const app = makeApp(options, auth, running);
  const server = createAdaptorServer({
    fetch: app.fetch,
    hostname: "localhost",
    overrideGlobalObjects: false,
    // An upload or an export may take as long as it takes; headers have to arrive within a minute all the same.
    serverOptions: { requestTimeout: 0, headersTimeout: 60_000 },
  }) as Server;
  server.listen(port, host);
  await once(server, "listening");
  const url = `http://${nameOf(host)}:${(server.address() as AddressInfo).port}/`;
  return { url, signInUrl: `${url}sign-in?key=${auth.signInKey}`, token: auth.token, close: () => close(server, running) };
}

function makeApp(options: ServeOptions, auth: Auth, running: Running): Hono {
  const { connection, store, scope, pool, uploads, title, log } = options;
  const dependencies: BackupDependencies = { authorize: auth.authorize, sql: connection.sql, store, scope, running };
  Object.assign(dependencies, pool && { pool }, uploads && { uploads }, title !== undefined && { title }, log && { log });
  const files = webFiles(options.web === undefined ? {} : { folder: options.web });
  const app = new Hono();
  app.use("*", securityHeaders);
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/sign-in", (c) => auth.signIn(c.req.raw));
  app.route(apiPath, createBackupApp(dependencies));
  app.get("*", (c) => files(c.req.raw));
  return app;
}

/** An address that a browser can open: a server that listens everywhere is also here. */
function nameOf(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

async function close(server: Server, running: Running): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  await running.close();
  const cut = setTimeout(() => server.closeAllConnections(), closeGrace);
  await closed;
  clearTimeout(cut);
}
