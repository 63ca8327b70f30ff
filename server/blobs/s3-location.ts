import type { S3Location } from "./s3-client.ts";

/** Endpoint, region and keys of a bucket: `HOLDALL_S3_*`, else `S3_*`, else `AWS_*`, else the AWS client's own search. */
export function locationFrom(env: Record<string, string | undefined>): Omit<S3Location, "bucket" | "prefix"> {
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
