import type { ManifestFile } from "../bundle/manifest.ts";
import { BackupError } from "../errors.ts";
import type { FilePool } from "../file-pool.ts";
import type { Bundle } from "../read-bundle.ts";

/** A file's content from the bundle, or from the pool that it refers to; `undefined` where it is in neither. */
export async function openFile(
  bundle: Bundle,
  file: ManifestFile,
  { pool, signal }: { pool?: FilePool; signal?: AbortSignal },
): Promise<{ size: number; body: AsyncIterable<Uint8Array> } | undefined> {
  const entry = file.path === null ? undefined : bundle.entry(file.path);
  if (entry !== undefined) return { size: entry.size, body: bundle.open(entry.path, signal) };
  if (pool === undefined || file.reference === undefined) return undefined;
  try {
    return await pool.open(file.reference, signal === undefined ? {} : { signal });
  } catch (error) {
    if (error instanceof BackupError && error.code === "IO_STORE_MISSING") return undefined;
    throw error;
  }
}
