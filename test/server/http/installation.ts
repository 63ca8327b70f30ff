import { spawn } from "node:child_process";
import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect } from "vitest";
import type { BlobStore } from "../../../server/blobs/blob-store.ts";
import { fileStore } from "../../../server/blobs/file-store.ts";
import { type BackupDependencies, createBackupApp } from "../../../server/http/backup-app.ts";
import { type RunningServer, type ServeOptions, startServer } from "../../../server/http/serve.ts";
import type { Scope } from "../../../server/scope/define-scope.ts";
import { defaultAdminEmail } from "../../../server/scopes/easm/demo.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { askFor } from "../../support/ask-for.ts";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import type { Template } from "../../support/template-service.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

export const token = "a-token-of-the-tests-alone";
export const bearer = { Authorization: `Bearer ${token}` };

export interface TestInstallation {
  db: TestDatabase;
  store: BlobStore;
  uploads: { folder: string; maxBytes: number; store?: string };
}

/** Installations of the easm scope with a database and a folder each: `const installations = useInstallations();` at a file's top. */
export function useInstallations() {
  const databases = useDatabase();
  const temporaryFolder = useTemporaryFolders();
  const servers: RunningServer[] = [];
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
  });
  const copyOf = async (query: string): Promise<TestInstallation> => {
    const template = await askFor<Template>(`template${query}`);
    const db = await databases.create(template.database);
    const folder = await temporaryFolder();
    const uploads = { folder: join(folder, "uploads"), maxBytes: 256 * 1024 ** 2 };
    const blobs = join(folder, "blobs");
    await cp(template.blobs, blobs, { recursive: true });
    return { db, store: fileStore(blobs), uploads };
  };
  return {
    temporaryFolder,
    demo: ({ assets = 200, files = 10 }: { assets?: number; files?: number } = {}) => copyOf(`?assets=${assets}&files=${files}`),
    empty: () => copyOf(""),
    async serve({ db, store, uploads }: TestInstallation, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
      const server = await startServer({ scope: easm, connection: db, store, uploads, port: 0, token, ...options });
      servers.push(server);
      return server;
    },
  };
}

/** The application without a server; whoever carries the bearer token is the admin. */
export function appOf({ db, store, uploads }: TestInstallation, dependencies: Partial<BackupDependencies> = {}) {
  const authorize = (request: Request) =>
    request.headers.get("authorization") === bearer.Authorization ? { email: defaultAdminEmail } : null;
  return createBackupApp({ authorize, sql: db.sql, store, scope: easm, uploads, ...dependencies });
}

export const apiOf = (server: RunningServer) => `${server.url}api/v1/admin/backup`;

export function formOf(file: Uint8Array | Blob, fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("file", file instanceof Blob ? file : new Blob([new Uint8Array(file)]), "backup.zip");
  return form;
}

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a script in bash; its curl has the bearer token. */
export function shell(script: string, env: Record<string, string> = {}): Running {
  const curl = `curl -sS -H "Authorization: Bearer ${token}"`;
  const child = spawn("bash", ["-c", `set -o pipefail; curl() { command ${curl} "$@"; }; ${script}`], {
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (output.stdout += chunk));
  child.stderr.on("data", (chunk) => (output.stderr += chunk));
  const ended = new Promise<Ran>((done) => child.on("close", (code) => done({ code, ...output })));
  return { ended, kill: () => process.kill(-child.pid!, "SIGKILL") };
}

export interface Running {
  ended: Promise<Ran>;
  /** The shell and its children. */
  kill(): void;
}

export async function until<T>(what: string, probe: () => Promise<T | undefined | null | false>, seconds = 15): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(25)) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) return found;
  }
  throw new Error(`waited ${seconds} seconds for ${what}`);
}

export async function expectNoUploads({ uploads }: TestInstallation): Promise<void> {
  const left = await readdir(uploads.folder).catch(() => []);
  // Plans stay for a while.
  expect(left.filter((name) => !name.endsWith(".plan"))).toEqual([]);
}

/** The backend of an export or an import that waits for what a test holds. */
export function waitingBackend({ db }: TestInstallation): Promise<number> {
  return until("a backend that waits", async () => {
    const [row] = await db.sql`select pid from pg_stat_activity where datname = ${db.name} and wait_event_type = 'Lock'`;
    return row?.["pid"] as number | undefined;
  });
}

/** Holds a table, so that whoever reads it waits in PostgreSQL. */
export function holdTable(installation: TestInstallation, table: string): Promise<() => Promise<void>> {
  return hold(installation, `lock table ${table} in access exclusive mode`);
}

/** A scope whose rows of `table` wait in PostgreSQL as long as `holdRows` holds them. */
export function withHeldRows(scope: Scope, table: string): Scope {
  const where = `pg_advisory_xact_lock_shared(hashtext('${table}')) is not null`;
  return { ...scope, tables: { ...scope.tables, [table]: { ...scope.tables[table]!, where } } };
}

export function holdRows(installation: TestInstallation, table: string): Promise<() => Promise<void>> {
  return hold(installation, `select pg_advisory_xact_lock(hashtext('${table}'))`);
}

async function hold({ db }: TestInstallation, statement: string): Promise<() => Promise<void>> {
  const session = await db.sql.reserve();
  await session.unsafe(`begin; ${statement}`);
  return async () => {
    await session`rollback`;
    session.release();
  };
}
