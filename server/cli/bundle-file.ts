import { randomBytes } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ByteSource } from "../../engine/byte-source.ts";
import { referredFiles } from "../../engine/check-references.ts";
import { BackupError } from "../../engine/errors.ts";
import { defaultLimits } from "../../engine/limits.ts";
import { type Bundle, openBundle } from "../../engine/read-bundle.ts";
import { openPool, type Pool } from "../blobs/pool.ts";
import { nodeCodec } from "../codec-node.ts";
import { openFileSource } from "../file-source.ts";
import type { Arguments, Context, OptionSpecs } from "./command.ts";
import { temporaryFiles } from "./interrupt.ts";
import { UsageError } from "./usage-error.ts";

export interface OpenFile {
  bundle: Bundle;
  /** For messages. */
  name: string;
  /** Where the files are that it refers to; only for a bundle that refers to some. */
  pool?: Pool;
}

/** What reading a bundle can be told. */
export const readingOptions = {
  pool: {
    type: "string",
    value: "PLACE",
    help: "where files are that the bundle only refers to: the folder that holds blobs/ or attachments/, or s3://bucket/prefix",
    default: "the folder of FILE",
  },
  "accept-name-mismatch": {
    type: "boolean",
    help: "of a NodeWarden archive: go on although its name says another hash than the file has; the report says so",
  },
} as const satisfies OptionSpecs;

type Reading = Arguments<typeof readingOptions>["options"];

/** Opens the bundle in a file, or the one that comes through a pipe where the file is `-`, for as long as `work` takes. */
export async function withBundle<T>(
  file: string,
  context: Context,
  work: (opened: OpenFile) => Promise<T>,
  reading: Reading = {},
): Promise<T> {
  const { output, signal } = context;
  const source = file === "-" ? await spoolStdin(context) : await openFileSource(file);
  try {
    const onProgress = (bytes: number) => output.progress.update({ phase: "reading", bytes, fraction: bytes / source.size });
    const naming = { name: basename(file), acceptNameMismatch: reading["accept-name-mismatch"] === true };
    const bundle = await openBundle(source, { codec: nodeCodec, signal, onProgress, ...naming });
    return await withPool(file, bundle, reading, (pool) =>
      work({ bundle, name: file === "-" ? "standard input" : file, ...(pool && { pool }) }),
    );
  } finally {
    output.progress.stop();
    await source.close();
  }
}

async function withPool<T>(
  file: string,
  { manifest }: Bundle,
  { pool: place }: Reading,
  work: (pool: Pool | undefined) => Promise<T>,
): Promise<T> {
  const beside = place ?? (file === "-" ? undefined : dirname(file));
  if (beside === undefined || referredFiles(manifest.files).length === 0) return work(undefined);
  const pool = await openPool(beside);
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

type FileSource = ByteSource & { close(): Promise<void> };

/**
 * A bundle is read in several passes, which a pipe does not allow: it goes into a file first. The file loses its name as
 * soon as it is open, so that not even a killed process leaves it behind.
 */
async function spoolStdin(context: Context): Promise<FileSource> {
  if (process.stdin.isTTY) throw new UsageError("FILE is - and nothing is piped in; name a file, or pipe a bundle");
  const folder = join(context.settings.home, "spool");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, randomBytes(8).toString("hex"));
  temporaryFiles.add(path);
  try {
    await spoolTo(path, context);
    return await openFileSource(path);
  } finally {
    await rm(path, { force: true });
    temporaryFiles.forget(path);
  }
}

async function spoolTo(path: string, { output, signal }: Context): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  const abort = () => process.stdin.destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    let bytes = 0;
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > defaultLimits.archiveBytes) throw tooLarge();
      await handle.writeFile(chunk);
      output.progress.update({ phase: "receiving", bytes });
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", abort);
    await handle.close();
  }
}

function tooLarge(): BackupError {
  return new BackupError(
    "LIMIT_ARCHIVE_BYTES",
    `more than ${defaultLimits.archiveBytes} bytes were piped in, which is the limit`,
  );
}
