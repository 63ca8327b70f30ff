import { BackupError } from "../../engine/errors.ts";
import type { BlobStore } from "./blob-store.ts";
import { fileStore } from "./file-store.ts";
import type { S3Location } from "./s3-client.ts";

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

function locationFrom(env: Environment): Omit<S3Location, "bucket" | "prefix"> {
  const first = (...names: string[]) => names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
  // The key and its secret come from one place: a mixture fits nowhere.
  const owner = ["HOLDALL_S3", "S3", "AWS"].find((name) => env[`${name}_ACCESS_KEY_ID`]);
  const found = {
    endpoint: first("HOLDALL_S3_ENDPOINT", "S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    region: first("HOLDALL_S3_REGION", "S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
    accessKeyId: env[`${owner}_ACCESS_KEY_ID`],
    secretAccessKey: env[`${owner}_SECRET_ACCESS_KEY`],
    sessionToken: env[`${owner}_SESSION_TOKEN`],
    forcePathStyle: flag(first("HOLDALL_S3_PATH_STYLE", "S3_PATH_STYLE", "AWS_S3_FORCE_PATH_STYLE")),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined && value !== ""));
}

function flag(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : /^(1|true|yes|on)$/i.test(text);
}
