import { Hono } from "hono";
import type postgres from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { InstallationScope } from "../../engine/http-types.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Pool } from "../blobs/pool.ts";
import { estimateExport } from "../export/estimate-export.ts";
import type { Scope } from "../scope/define-scope.ts";
import { describeScope } from "./describe-scope.ts";
import { exportRoute } from "./export-route.ts";
import { importRoute, previewRoute } from "./import-routes.ts";
import { readJsonObject } from "./json-body.ts";
import { KeptPlans } from "./kept-plans.ts";
import { knownFilesRoute } from "./known-files-route.ts";
import { openapiDocument } from "./openapi.ts";
import { planPageRoute, planRoute } from "./plan-routes.ts";
import { plainProblem, problemOf, problemResponse } from "./problem.ts";
import { Running } from "./running.ts";
import { Spool, type UploadOptions } from "./spool.ts";
import { readTenants, tenantsRoute } from "./tenants-route.ts";
import { uploadRoute } from "./upload-route.ts";

export interface Admin {
  /** Names the importer; where absent, the eldest active admin of the installation is it. */
  email?: string;
}

export interface BackupDependencies {
  /** Who may do anything here: `null` answers 401, a thrown `AUTH_FORBIDDEN` 403. */
  authorize(request: Request): Admin | null | Promise<Admin | null>;
  sql: postgres.Sql;
  store: BlobStore;
  scope: Scope;
  /** Where exports by reference put files, and imports look for those that a bundle only refers to. */
  pool?: Pool;
  uploads?: UploadOptions;
  /** Shown above the page, so that nobody confuses two installations. */
  title?: string;
  /** Lets a server that stops end exports and wait for an import that is applying. */
  running?: Running;
  /** Gets failures that a client is told nothing about. */
  log?: (error: unknown) => void;
}

export interface Installation {
  sql: postgres.Sql;
  store: BlobStore;
  scope: Scope;
  pool: Pool | undefined;
  spool: Spool;
  plans: KeptPlans;
  running: Running;
  log(error: unknown): void;
}

export interface BackupEnv {
  Variables: { admin: Admin };
}

/** The routes of DESIGN section 8, to be mounted anywhere: `app.route("/api/v1/admin/backup", createBackupApp(…))`. */
export function createBackupApp(dependencies: BackupDependencies): Hono<BackupEnv> {
  const { sql, store, scope, pool, uploads, title = scope.app.name, running = new Running() } = dependencies;
  const log = unexpectedOnly(dependencies.log ?? console.error);
  const [spool, plans] = [new Spool(uploads), new KeptPlans()];
  const installation: Installation = { sql, store, scope, pool, spool, plans, running, log };
  const app = new Hono<BackupEnv>();
  app.onError((error) => {
    log(error);
    return problemResponse(problemOf(error));
  });
  app.use("*", async (c, next) => {
    const admin = await dependencies.authorize(c.req.raw);
    if (admin === null) throw new BackupError("AUTH_REQUIRED", "sign in as an admin");
    c.set("admin", admin);
    await next();
    c.res.headers.set("X-Content-Type-Options", "nosniff");
  });
  app.post("/export", (c) => exportRoute(c, installation));
  app.post("/export/estimate", async (c) => {
    const { tenants, files: _, ...options } = await readJsonObject(c.req.raw);
    const estimate = await estimateExport(sql, scope, options, readTenants(tenants));
    return c.json(estimate, 200, { "Cache-Control": "no-store" });
  });
  app.post("/import/preview", (c) => previewRoute(c, installation));
  app.post("/import", (c) => importRoute(c, installation));
  app.on(["OPTIONS", "POST"], "/uploads", (c) => uploadRoute(c, installation));
  // HEAD comes as GET.
  app.on(["GET", "PATCH", "DELETE"], "/uploads/:id", (c) => uploadRoute(c, installation));
  app.post("/import/known-files", (c) => knownFilesRoute(c, installation));
  app.get("/import/plan/:digest", (c) => planRoute(c, installation));
  app.get("/import/plan/:digest/:table", (c) => planPageRoute(c, installation));
  app.get("/scope", (c) => {
    const description: InstallationScope = { title, ...describeScope(scope), max_upload_bytes: installation.spool.maxBytes };
    return c.json(description, 200, { "Cache-Control": "no-store" });
  });
  app.get("/tenants", (c) => tenantsRoute(c, installation));
  app.get("/openapi.json", (c) => c.json(openapiDocument(scope)));
  app.all("*", () => problemResponse(plainProblem(404, "there is no such route")));
  return app;
}

/** A refusal is the client's to know; what has no code, or comes from below, is the keeper's. */
function unexpectedOnly(log: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    if (error instanceof BackupError) {
      if (error.code.startsWith("IO_")) log(`${error.code}: ${error.message}`);
    } else if ((error as Error | undefined)?.name !== "AbortError") log(error);
  };
}
