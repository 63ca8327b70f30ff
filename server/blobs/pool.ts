import { statSync } from "node:fs";
import { join } from "node:path";
import { BackupError } from "../../engine/errors.ts";
import type { FilePool } from "../../engine/file-pool.ts";
import { poolFolder } from "../../engine/file-pool.ts";
import type { BlobStore } from "./blob-store.ts";
import { fileStore } from "./file-store.ts";
import { openStore } from "./open-store.ts";

/**
 * The folder or bucket beside bundles that holds the files to which they refer. Whoever reads looks a file up by the manifest's reference;
 * an export by reference writes `blobs/<sha256>`.
 */
export interface Pool extends FilePool {
  /** Its folder `blobs`: keys are SHA-256s. */
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

/**
 * Opens a pool: a folder, `file:PATH` or `s3://bucket/prefix`.
 * @throws BackupError `IO_STORE_UNAVAILABLE`, also for a folder that is not there, which is no pool to read from.
 */
export async function openPool(place: string, { mustExist = true } = {}): Promise<Pool> {
  if (place.startsWith("s3://")) {
    const prefix = place.replace(/\/+$/, "");
    const [root, blobs] = [await openStore(prefix), await openStore(`${prefix}/${poolFolder}`)];
    return poolOf(root, blobs);
  }
  const folder = place.replace(/^file:/, "");
  if (mustExist && statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new BackupError(
      "IO_STORE_UNAVAILABLE",
      `the pool ${folder} is no folder; name the folder that holds blobs/ or attachments/`,
    );
  // Within its own folder, so that nothing of the store's lies beside the bundles.
  return poolOf(fileStore(folder), fileStore(join(folder, poolFolder)));
}

function poolOf(root: BlobStore, blobs: BlobStore): Pool {
  return {
    description: root.description,
    stat: (reference, signal) => root.stat(reference, signal),
    open: (reference, options) => root.open(reference, options),
    blobs,
    async close() {
      await root.close?.();
      await blobs.close?.();
    },
  };
}
