import { BackupError } from "../../engine/errors.ts";
import type { BlobStore } from "./blob-store.ts";
import { fileStore } from "./file-store.ts";
import { locationFrom } from "./s3-location.ts";

type Environment = Record<string, string | undefined>;

/**
 * Opens `file:PATH` or `s3://bucket/prefix`. A bucket's endpoint, region and keys come from `HOLDALL_S3_*`, else `S3_*`,
 * else `AWS_*`, else the AWS client's own search. A bucket must exist; a folder is made on first use.
 * @throws BackupError `IO_STORE_UNAVAILABLE`
 */
export async function openStore(spec: string, env: Environment = process.env): Promise<BlobStore> {
  const file = /^file:(.+)$/s.exec(spec);
  if (file !== null) return fileStore(file[1]!);
  const s3 = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(spec);
  if (s3 === null) {
    throw new BackupError(
      "IO_STORE_UNAVAILABLE",
      `${JSON.stringify(spec)} is no blob store; use file:PATH or s3://bucket/prefix`,
    );
  }
  // The AWS client takes a quarter of a second to load, which a folder need not wait for.
  const { s3Store } = await import("./s3-store.ts");
  const store = s3Store({ bucket: s3[1]!, prefix: s3[2] ?? "", ...locationFrom(env) });
  try {
    await store.check();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
