import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { BackupError } from "../../engine/errors.ts";
import type { BundleSummary, PreviewAnswer } from "../../engine/http-types.ts";
import { defaultLimits } from "../../engine/limits.ts";
import type { ConflictMode, ImportReport } from "../../engine/plan.ts";
import { type Bundle, openBundle } from "../../engine/read-bundle.ts";
import type { Verification } from "../../engine/verify-bundle.ts";
import { nodeCodec } from "../codec-node.ts";
import { databaseError } from "../database/connect.ts";
import { type ImportProgress, type ImportRequest, importBundle, previewImport } from "../import/import-bundle.ts";
import { findImporter, type Importer } from "../import/importer.ts";
import { modesOf } from "../scope/define-scope.ts";
import type { BackupEnv, Installation } from "./backup-app.ts";
import { assertQuery, type RequestedImport, requestedImport } from "./import-choices.ts";
import { answerWithProgress } from "./progress-answer.ts";
import { receiveUpload, type Upload } from "./receive-upload.ts";
import type { Task } from "./running.ts";
import { ownerOf } from "./upload-route.ts";

type Report = (progress: ImportProgress) => void;
type Work<T> = (request: ImportRequest, task: Task, upload: Upload) => Promise<T>;

/** Verifies and plans; changes nothing. Without a mode, it is the first that the scope offers. */
export function previewRoute(c: Context<BackupEnv>, installation: Installation): Promise<Response> {
  return withUpload<PreviewAnswer>(c, installation, modesOf(installation.scope)[0], async (request) => {
    let verification: Verification | undefined;
    const keepIn = await installation.spool.newFolder();
    const plan = await previewImport({ ...request, keepIn, onVerified: (found) => (verification = found) });
    await installation.plans.add(plan.digest, keepIn, request.importer);
    return { bundle: summarize(request.bundle), importer: request.importer.email, verification: verification!, plan };
  });
}

/** The plan and what became of it. A mode must be given, and the digest of a plan binds the import to that plan. */
export async function importRoute(c: Context<BackupEnv>, installation: Installation): Promise<Response> {
  const leave = installation.running.enterImport();
  if (leave === null) throw new BackupError("IMPORT_LOCKED", "another import is running here; wait until it has ended");
  const work: Work<ImportReport> = async (request, task, upload) => {
    const report = await importBundle({
      ...request,
      onProgress: (progress) => {
        // Past this point a client that goes away would only learn less: the journal keeps the report.
        if (progress.phase === "apply") task.shield();
        request.onProgress?.(progress);
      },
    });
    // What cannot be removed now is given up in its time.
    await upload.done().catch(installation.log);
    return report;
  };
  return withUpload(c, installation, undefined, work, leave);
}

async function withUpload<T>(
  c: Context<BackupEnv>,
  installation: Installation,
  defaultMode: ConflictMode | undefined,
  work: Work<T>,
  leave: () => void = () => {},
): Promise<Response> {
  const request = c.req.raw;
  const cleanUp: (() => void | Promise<void>)[] = [leave];
  const finish = async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  };
  try {
    const task = installation.running.begin(request.signal);
    cleanUp.push(task.end);
    const query = c.req.query();
    assertQuery(query);
    const importer = await importerOf(c, installation);
    const upload = await receiveUpload(request, installation.spool, ownerOf(c.var.admin), task.signal);
    cleanUp.push(upload.release);
    const requested = requestedImport(upload.fields, query, defaultMode);
    const run = (report?: Report) =>
      runUpload(installation, { upload, importer, ...requested, report }, task, work).finally(finish);
    if (wantsProgress(c)) return await answerWithProgress(run, task, installation.log);
    return c.json((await run()) as object);
  } catch (error) {
    await finish();
    throw error;
  }
}

async function runUpload<T>(
  { sql, store, scope, spool, plans, pool }: Installation,
  from: RequestedImport & { upload: Upload; importer: Importer; report: Report | undefined },
  task: Task,
  work: Work<T>,
): Promise<T> {
  const { signal } = task;
  const source = await from.upload.source();
  try {
    const limits = { ...defaultLimits, archiveBytes: spool.maxBytes };
    const name = from.fileName ?? from.upload.name;
    const naming = { acceptNameMismatch: from.acceptNameMismatch, ...(name !== undefined && { name }) };
    const bundle = await openBundle(source, { codec: nodeCodec, limits, signal, ...naming });
    const { mode, planDigest, choices, consent, importer, report } = from;
    const request: ImportRequest = { sql, store, scope, bundle, mode, choices, consent, importer, signal, ...(pool && { pool }) };
    if (planDigest !== undefined) {
      const keptPlan = plans.folderOf(planDigest, importer);
      Object.assign(request, { planDigest, ...(keptPlan !== undefined && { keptPlan }) });
    }
    if (report !== undefined) request.onProgress = report;
    return await work(request, task, from.upload);
  } finally {
    await source.close();
  }
}

export function importerOf(c: Context<BackupEnv>, { sql, scope }: Installation): Promise<Importer> {
  return findImporter(sql, scope, c.var.admin.email).catch((error) => {
    throw databaseError(error);
  });
}

function wantsProgress(c: Context): boolean {
  const supports = ["application/json", "application/x-ndjson"];
  return accepts(c, { header: "Accept", supports, default: "application/json" }) === "application/x-ndjson";
}

function summarize({ manifest, container }: Bundle): BundleSummary {
  const files = { bundle: 0, external: 0, missing: 0 };
  for (const file of manifest.files) files[file.stored]++;
  const { app, scope, created_at, options } = manifest;
  return {
    container: container.kind,
    size: container.size,
    app: { name: app.name, version: app.version },
    scope: { name: scope.name, version: scope.version },
    created_at,
    options,
    files,
  };
}
