import { dirname } from "node:path";
import type { Manifest } from "../../../engine/bundle/manifest.ts";
import { referredFiles } from "../../../engine/check-references.ts";
import { layoutNames } from "../../../engine/layouts/index.ts";
import { openPool, type Pool } from "../../blobs/pool.ts";
import { type ExportProgress, exportBundle } from "../../export/export-bundle.ts";
import { resolveOptions } from "../../export/options.ts";
import { type Context, defineCommand, type Result } from "../command.ts";
import { type Estimate, estimateExport } from "../estimate.ts";
import { bytes, count, elapsed, plural } from "../numbers.ts";
import { fileSink, outputPath, type Sink } from "../output-file.ts";
import type { Paint } from "../paint.ts";
import type { Progress } from "../progress.ts";
import { safeText } from "../safe-text.ts";
import { loadScope } from "../scopes.ts";
import { stdoutSink } from "../stdout-sink.ts";
import { type Target, withTarget } from "../target.ts";
import { UsageError } from "../usage-error.ts";
import { instant, oneOf, scopeOptions } from "../values.ts";
import { targetOf, writeThenConvert } from "../write-converted.ts";

const formats = ["zip", "ndjson"] as const;
const filesModes = ["in-bundle", "by-reference"] as const;

export const exportCommand = defineCommand({
  name: "export",
  purpose:
    "Writes what the scope lets out of an installation into a bundle, from one snapshot of its database. The file appears under its name only when it is complete.",
  operands: [],
  options: {
    out: { type: "string", value: "FILE", help: "a file, a folder, or - for a pipe", default: "SCOPE-DATE.zip in this folder" },
    format: { type: "string", value: "FORMAT", help: "zip, or ndjson for pipes", default: "by the name of FILE, else zip" },
    o: {
      type: "string",
      short: "o",
      multiple: true,
      value: "OPTION=BOOLEAN",
      help: "an option of the scope; `holdall scope show` lists them",
    },
    org: {
      type: "string",
      multiple: true,
      value: "ID",
      help: "only this organization, by key or name, and what hangs on it; may be repeated",
      default: "all",
    },
    layout: {
      type: "string",
      value: "LAYOUT",
      help: `${layoutNames.join(" or ")}; what holdall convert makes of a bundle`,
      default: "holdall",
    },
    files: {
      type: "string",
      value: "HOW",
      help: "in-bundle, or by-reference: each content goes into a pool once, and bundles only refer to it",
      default: "in-bundle",
    },
    pool: {
      type: "string",
      value: "PLACE",
      help: "of files by reference: the folder or s3://bucket/prefix in which blobs/ is",
      default: "the folder of FILE",
    },
    force: { type: "boolean", help: "replace FILE" },
    "created-at": {
      type: "string",
      value: "TIME",
      help: "the bundle's time: the same data then gives the same bytes",
      default: "now",
    },
  },
  general: "installation",
  examples: [
    "holdall export",
    "holdall export --out backup.zip -o include_files=false -o include_users=true",
    "holdall export --org acme --out acme.zip",
    "holdall export --out backups/ --files by-reference",
    "holdall export --scope vault --layout nodewarden --out restore/",
    "holdall export --out - --format ndjson | ssh other holdall import - --mode merge --as ops@example.com --yes",
  ],
  exitCodes: { 0: "the bundle is complete and on the disk", 1: "refused: FILE exists, or the scope does not fit the database" },
  async run({ options }, context) {
    const format = formatOf(options.format, options.out);
    const createdAt = instant("--created-at", options["created-at"]) ?? new Date();
    const chosen = scopeOptions(options.o);
    const scope = await loadScope(context.settings);
    resolveOptions(scope, chosen);
    const toStdout = options.out === "-";
    if (toStdout && process.stdout.isTTY)
      throw new UsageError("a bundle is nothing for a terminal: pipe it or name a FILE", "export");
    const force = options.force === true;
    const to = oneOf("--layout", options.layout ?? "holdall", layoutNames);
    if (to !== "holdall") {
      const { out = ".", org: tenants, files } = options;
      return exportConverted(to, { out, force: options.force === true, files, createdAt, chosen, format, tenants }, context);
    }
    const path = toStdout ? "-" : await outputPath(options.out ?? ".", datedName(scope.name, createdAt, format), force);
    const place = poolPlace(options.files, options.pool, path);
    return withTarget(context, async (target) => {
      const pool = place === undefined ? undefined : await openPool(place, { mustExist: false });
      try {
        const sink = toStdout ? stdoutSink(context.signal) : await fileSink(path, force);
        return await write(sink, { target, path, format, createdAt, chosen, tenants: options.org, pool }, context);
      } finally {
        await pool?.close();
      }
    });
  },
});

interface Chosen extends Pick<Job, "createdAt" | "chosen" | "format" | "tenants"> {
  out: string;
  force: boolean;
  files: string | undefined;
}

async function exportConverted(to: string, { out, force, files, ...chosen }: Chosen, context: Context): Promise<Result> {
  if (chosen.format !== "zip" || (files ?? "in-bundle") !== "in-bundle")
    throw new UsageError(`--layout ${to} is a ZIP that carries its files`, "export");
  const job = { to, format: "zip" as const, target: await targetOf(out, force), began: performance.now() };
  return writeThenConvert(job, context, (path) =>
    withTarget(context, async (target) =>
      write(await fileSink(path, false), { ...chosen, target, path, pool: undefined }, context),
    ),
  );
}

/** Where files go by reference; `undefined` where the bundle carries them. */
function poolPlace(files: string | undefined, pool: string | undefined, path: string): string | undefined {
  if (oneOf("--files", files ?? "in-bundle", filesModes) === "in-bundle") {
    if (pool === undefined) return undefined;
    throw new UsageError("--pool is for --files by-reference", "export");
  }
  if (pool === undefined && path === "-") throw new UsageError("with --out -, say with --pool where the files go", "export");
  return pool ?? dirname(path);
}

type Format = (typeof formats)[number];

function formatOf(format: string | undefined, out: string | undefined): Format {
  if (format !== undefined) return oneOf("--format", format, formats);
  return out?.endsWith(".ndjson") ? "ndjson" : "zip";
}

function datedName(scope: string, at: Date, format: Format): string {
  const date = at.toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
  return `${scope}-${date}.${format}`;
}

interface Job {
  target: Target;
  path: string;
  format: Format;
  createdAt: Date;
  chosen: Record<string, boolean>;
  tenants: string[] | undefined;
  pool: Pool | undefined;
}

async function write(sink: Sink, job: Job, context: Context): Promise<Result> {
  const began = performance.now();
  let written = 0;
  let manifest: Manifest | undefined;
  try {
    const onManifest = (complete: Manifest) => {
      manifest = complete;
    };
    for await (const chunk of await chunksOf(job, context, onManifest)) {
      await sink.write(chunk);
      written += chunk.length;
    }
    context.output.progress.update({ phase: "syncing" });
    await sink.commit();
  } catch (error) {
    await sink.discard();
    throw error;
  }
  return resultOf(job, manifest!, { bytes: written, milliseconds: performance.now() - began });
}

async function chunksOf(job: Job, { output, signal }: Context, onManifest: (manifest: Manifest) => void) {
  const { scope, connection, store } = job.target;
  const { progress } = output;
  const observed = progress.enabled
    ? { onProgress: exportProgress(progress, await estimateExport(job.target).catch(() => unknown)) }
    : {};
  return exportBundle({
    sql: connection.sql,
    store,
    scope,
    container: job.format,
    options: job.chosen,
    ...(job.tenants && { tenants: job.tenants }),
    ...(job.pool && { poolBlobs: job.pool.blobs }),
    createdAt: job.createdAt,
    signal,
    reuseMemory: job.path !== "-",
    onManifest,
    ...observed,
  });
}

/** A database that does not answer a guess about its size has the export itself to say why. */
const unknown: Estimate = { rows: 0, fileBytes: 0 };

function exportProgress(line: Progress, estimate: Estimate): (progress: ExportProgress) => void {
  let tableBytes = 0;
  return ({ phase, table, rows, files, bytes: done }) => {
    if (phase === "tables") tableBytes = done;
    const [part, whole] = phase === "tables" ? [rows, estimate.rows] : [done - tableBytes, estimate.fileBytes];
    // Statistics are never exact: the last percent is for what they did not know.
    const fraction = whole > 0 ? { fraction: Math.min(0.99, part / whole) } : {};
    line.update({
      phase: `export ${phase}`,
      item: phase === "tables" ? table : undefined,
      rows,
      files,
      bytes: done,
      ...fraction,
    });
  };
}

function resultOf(job: Job, manifest: Manifest, done: { bytes: number; milliseconds: number }): Result {
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  const files = manifest.files.filter((file) => file.stored === "bundle").length;
  const referred = referredFiles(manifest.files).length;
  const json = {
    file: job.path,
    format: job.format,
    bytes: done.bytes,
    created_at: manifest.created_at,
    options: manifest.options,
    ...(manifest.tenants && { tenants: manifest.tenants }),
    table_counts: manifest.table_counts,
    files: { bundle: files, by_reference: referred, not_carried: manifest.files.length - files - referred },
    warnings: manifest.warnings,
  };
  const text = (paint: Paint) => {
    const warnings = manifest.warnings.map((warning) => `${paint.yellow("warning")}  ${safeText(warning)}\n`).join("");
    const inPool = job.pool === undefined ? "" : ` and ${count(referred)} in ${safeText(job.pool.description)}`;
    const name = job.path === "-" ? "standard output" : safeText(job.path);
    return `${warnings}${paint.green("exported")}  ${name}: ${plural(rows, "row")}, ${plural(files, "file")}${inPool}, ${bytes(done.bytes)}, ${elapsed(done.milliseconds)}`;
  };
  return { exitCode: 0, json, text, toStderr: job.path === "-" };
}
