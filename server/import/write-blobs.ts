import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { FilePool } from "../../engine/file-pool.ts";
import type { ImportReport } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { collecting } from "../external-memory.ts";
import type { BlobDecision } from "./decide-blob.ts";
import { inParallel } from "./in-parallel.ts";
import type { Journal } from "./journal.ts";
import { settledBlobs } from "./plan-blobs.ts";
import type { PlanInput } from "./plan-input.ts";
import { sha256Of } from "./sha256.ts";

interface WriteContext {
  sql: Sql;
  bundle: Bundle;
  store: BlobStore;
  pool?: FilePool;
  journal: Journal;
  signal?: AbortSignal;
  onProgress?: (done: { files: number; bytes: number }) => void;
  /** Keys of what this import has written, now or when it began another way. */
  written: Set<string>;
}

const attempts = 3;
/** A store that takes none of the first objects, or none at all, is down: the import ends instead of skipping every row. */
const allFailing = 5;

/**
 * Writes the objects of the rows that the plan lets in. One that cannot be written takes its row out: its decision becomes
 * `missing`, here and in the session's tables, and the plan has to be made again.
 */
export async function writeBlobs(
  input: PlanInput,
  decisions: BlobDecision[],
  context: WriteContext,
): Promise<ImportReport["failed_blobs"]> {
  const wanted = (await settledBlobs(context.sql, input, decisions)).filter((decision) => decision.state === "write");
  await context.journal.announce(wanted);
  const failed: ImportReport["failed_blobs"] = [];
  const done = { files: 0, bytes: 0 };
  let lastFailure: unknown;
  await inParallel(wanted, 4, async (decision) => {
    try {
      if (!context.written.has(decision.key)) await writeBlob(decision, context);
      context.written.add(decision.key);
      done.files++;
      done.bytes += decision.size;
      context.onProgress?.(done);
    } catch (error) {
      if (!isStoreFailure(error)) throw error;
      failed.push({ table: input.table.key, row: decision.row, key: decision.key, error: error.message });
      if (done.files === 0 && failed.length >= allFailing) throw error;
      lastFailure = error;
      decision.state = decision.otherwise;
    }
  });
  if (failed.length > 1 && done.files === 0) throw lastFailure;
  for (const { row } of failed) {
    const state = decisions.find((decision) => decision.row === row)!.state;
    await context.sql.unsafe(`update ${input.table.blobs} set state = $2 where _row = $1`, [row, state]);
  }
  return failed;
}

function isStoreFailure(error: unknown): error is BackupError {
  return error instanceof BackupError && error.code.startsWith("IO_STORE_");
}

async function writeBlob(decision: BlobDecision, context: WriteContext): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    context.signal?.throwIfAborted();
    try {
      return await createBlob(decision, context);
    } catch (error) {
      context.signal?.throwIfAborted();
      if (!isStoreFailure(error) || attempt === attempts) throw error;
    }
  }
}

/** From the bundle, from another object of the store, or from the bundle's pool. */
async function openContent({ path, copyOf, reference }: BlobDecision, context: WriteContext): Promise<AsyncIterable<Uint8Array>> {
  const { store, bundle, pool, signal } = context;
  const options = signal === undefined ? {} : { signal };
  if (copyOf !== null) return (await store.open(copyOf, options)).body;
  return reference === null ? bundle.open(path!, signal) : (await pool!.open(reference, options)).body;
}

async function createBlob(decision: BlobDecision, context: WriteContext): Promise<void> {
  const { key, size, sha256, contentType } = decision;
  const { store, signal } = context;
  const created = await store.create(key, collecting(await openContent(decision, context)), {
    size,
    sha256,
    ...(contentType === null ? {} : { contentType }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (created === "created") return;
  const found = await store.stat(key, signal);
  // An attempt whose answer got lost has written it after all.
  if (found?.size === size && (await sha256Of((await store.open(key)).body)) === sha256) return;
  throw new BackupError(
    "IMPORT_PLAN_CHANGED",
    `the object ${key} appeared in the blob store since the plan was made; preview again`,
    {
      key,
    },
  );
}
