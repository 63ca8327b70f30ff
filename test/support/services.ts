import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { startDatabase } from "./database-service.ts";
import { buildPage } from "./page-service.ts";
import { startS3 } from "./s3-service.ts";
import { startSystemDatabase } from "./system-database.ts";
import { makeTemplate } from "./template-service.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Address that test files ask for a service. */
    services: string;
  }
}

export interface Service {
  /** What a test needs to use it. */
  settings: unknown;
  stop(): Promise<void>;
}

type Ask = (path: string) => Promise<Service>;

const starters: Record<string, (query: URLSearchParams, ask: Ask) => Promise<Service>> = {
  "/database": startDatabase,
  "/system-database": startSystemDatabase,
  "/s3": startS3,
  "/page": buildPage,
  "/template": async (size, ask) => makeTemplate(size, ((await ask("/database")).settings as { url: string }).url),
};

/**
 * Vitest's global set-up. A real PostgreSQL and a real S3 server are started once for a run, when the first test file
 * asks: test files live in processes of their own, and a run of the engine's tests alone shall not wait for either.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<Service>>();
  const ask: Ask = (path) => {
    const { pathname, searchParams } = new URL(path, "http://services");
    const starter = starters[pathname] ?? (() => Promise.reject(new Error(`no service ${path}`)));
    if (!started.has(path)) started.set(path, starter(searchParams, ask));
    return started.get(path)!;
  };
  const server = createServer((request, response) => {
    ask(request.url ?? "").then(
      ({ settings }) => response.end(JSON.stringify({ settings })),
      (error) => response.end(JSON.stringify({ error: String(error?.stack ?? error) })),
    );
  });
  // Installing and starting a server can take longer than the five minutes after which a request is given up.
  server.requestTimeout = 0;
  project.provide("services", await listen(server));
  return async () => {
    const running = await Promise.allSettled(started.values());
    const stops = [...started.keys()].map((path, i) => ({ path, service: running[i]! }));
    const stop = (chosen: typeof stops) =>
      Promise.all(chosen.map(({ service }) => (service.status === "fulfilled" ? service.value.stop() : undefined)));
    // Templates lie in the database.
    await stop(stops.filter(({ path }) => path !== "/database"));
    await stop(stops.filter(({ path }) => path === "/database"));
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
}

function listen(server: Server): Promise<string> {
  return new Promise((done, fail) => {
    server.on("error", fail);
    server.listen(0, "127.0.0.1", () => done(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}
