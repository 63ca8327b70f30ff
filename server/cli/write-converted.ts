import { createHash, randomBytes } from "node:crypto";
import { mkdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withHashes } from "../../engine/bundle/computed-hashes.ts";
import { BackupError } from "../../engine/errors.ts";
import { layoutNamed } from "../../engine/layouts/index.ts";
import { hashInName } from "../../engine/layouts/nodewarden/format.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { verifyBundle } from "../../engine/verify-bundle.ts";
import { nodeCodec } from "../codec-node.ts";
import { collecting } from "../external-memory.ts";
import { type OpenFile, withBundle } from "./bundle-file.ts";
import type { Context, Result } from "./command.ts";
import { temporaryFiles } from "./interrupt.ts";
import { bytes, elapsed, plural } from "./numbers.ts";
import { fileSink, outputPath } from "./output-file.ts";
import type { Paint } from "./paint.ts";
import { safeText } from "./safe-text.ts";
import { stdoutSink } from "./stdout-sink.ts";
import { Refusal } from "./usage-error.ts";

export interface OutputTarget {
  /** `undefined` for a pipe. */
  path: string | undefined;
  /** A folder, in which the new bundle gets its usual name. */
  isFolder: boolean;
  force: boolean;
}

export interface ConvertJob {
  to: string;
  format: "zip" | "ndjson";
  target: OutputTarget;
  began: number;
}

/** @throws Refusal for a file that is there, unless forced */
export async function targetOf(out: string, force: boolean): Promise<OutputTarget> {
  if (out === "-") return { path: undefined, isFolder: false, force };
  const isFolder = (await stat(out).catch(() => null))?.isDirectory() === true;
  return { path: isFolder ? out : await outputPath(out, basename(out), force), isFolder, force };
}

/** Verifies a bundle and writes it anew; nothing appears of one that is not valid. */
export async function writeConverted(opened: OpenFile, job: ConvertJob, context: Context): Promise<Result> {
  const bundle = await verified(opened, context);
  const { signal, output } = context;
  const pool = opened.pool === undefined ? {} : { pool: opened.pool };
  const { path, isFolder, force } = job.target;
  const reuseMemory = path !== undefined;
  const options = { container: job.format, codec: nodeCodec, level: 3, signal, reuseMemory, ...pool };
  const written = await layoutNamed(job.to)!.write(bundle, options);
  const sink = path === undefined ? stdoutSink(signal) : await fileSink(isFolder ? join(path, ".converted") : path, force);
  const hash = createHash("sha256");
  let size = 0;
  try {
    for await (const chunk of collecting(written.body)) {
      await sink.write(chunk);
      hash.update(chunk);
      size += chunk.length;
      output.progress.update({ phase: `write ${job.to}`, bytes: size });
    }
    const sha256 = hash.digest("hex");
    const file = isFolder ? await outputPath(join(path!, written.fileName(sha256)), "", force) : path;
    if (file !== undefined) assertName(file, sha256);
    await sink.commit(file);
    return resultOf(job, { file: file ?? "-", size, sha256, warnings: written.warnings, bundle });
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

/** The same of a bundle that `fill` writes: another layout may begin with what is known only at a bundle's end. */
export async function writeThenConvert(
  job: ConvertJob,
  context: Context,
  fill: (path: string) => Promise<unknown>,
): Promise<Result> {
  const folder = join(context.settings.home, "spool");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${randomBytes(8).toString("hex")}.zip`);
  temporaryFiles.add(path);
  try {
    await fill(path);
    return await withBundle(path, context, (opened) => writeConverted(opened, job, context));
  } finally {
    await rm(path, { force: true });
    temporaryFiles.forget(path);
  }
}

/** NodeWarden refuses a file whose name says another hash than it has. */
function assertName(path: string, sha256: string): void {
  const stated = hashInName(basename(path));
  if (stated === undefined || sha256.startsWith(stated)) return;
  const message = `the name ${basename(path)} says that the file's SHA-256 begins with ${stated}, and it begins with ${sha256.slice(0, 5)}; name the folder ${dirname(path)} and the file gets its name`;
  throw new Refusal("OUTPUT_NAME", message, { path });
}

async function verified({ bundle, pool }: OpenFile, { output, signal }: Context): Promise<Bundle> {
  if (bundle.omitted.size > 0)
    throw new BackupError("REQUEST_INVALID", "a thin bundle goes without files that its target has: convert the whole one");
  const hashes = new Map<string, string>();
  const found = await verifyBundle(bundle, {
    codec: nodeCodec,
    signal,
    onHash: (path, sha256) => hashes.set(path, sha256),
    onProgress: ({ entry, bytesDone, bytesTotal }) =>
      output.progress.update({ phase: "verify", item: entry, bytes: bytesDone, fraction: bytesDone / Math.max(1, bytesTotal) }),
    ...(pool && { pool }),
  });
  const errors = found.issues.filter(({ severity }) => severity === "error");
  const first = errors[0];
  if (first !== undefined) {
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more; \`holdall verify\` lists them)` : "";
    throw new BackupError(first.code, `${first.message}${more}`, { ...first.details, issues: found.issues });
  }
  const kept = found.issues.map(({ message }) => message);
  const hashed = withHashes(bundle, hashes);
  return { ...hashed, manifest: { ...hashed.manifest, warnings: [...hashed.manifest.warnings, ...kept] } };
}

interface Written {
  file: string;
  size: number;
  sha256: string;
  warnings: readonly string[];
  bundle: Bundle;
}

function resultOf(job: ConvertJob, { file, size, sha256, warnings, bundle: { layout, manifest } }: Written): Result {
  const rows = Object.values(manifest.table_counts).reduce((sum, count) => sum + count, 0);
  const json = { file, from: layout, to: job.to, format: job.format, bytes: size, sha256, rows, warnings };
  const text = (paint: Paint) => {
    const lines = warnings.map((warning) => `${paint.yellow("warning")}  ${safeText(warning)}\n`).join("");
    const name = file === "-" ? "standard output" : safeText(file);
    const took = elapsed(performance.now() - job.began);
    return `${lines}${paint.green("converted")}  ${name}: ${layout} to ${job.to}, ${plural(rows, "row")}, ${bytes(size)}, ${took}`;
  };
  return { exitCode: 0, json, text, toStderr: file === "-" };
}
