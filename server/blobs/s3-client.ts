import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";

export interface S3Location {
  bucket: string;
  /** Every key goes below it; "" for the whole bucket. A slash is put between the two. */
  prefix: string;
  /** Where absent, AWS. */
  endpoint?: string;
  region?: string;
  /** Where absent, the AWS client's own search: its files, the machine's role. */
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  /** `http://host/bucket/key` instead of `http://bucket.host/key`; where absent, when there is an endpoint. */
  forcePathStyle?: boolean;
}

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export function s3Client(location: S3Location): S3Client {
  return new S3Client(s3Config(location));
}

export function s3Config(location: S3Location): S3ClientConfig {
  const { endpoint, accessKeyId, secretAccessKey, sessionToken } = location;
  // Self-hosted servers seldom have a name for every bucket, nor regions.
  const region = location.region ?? (endpoint === undefined ? undefined : "us-east-1");
  const config: S3ClientConfig = {
    forcePathStyle: location.forcePathStyle ?? endpoint !== undefined,
    // The default sends checksums that other servers than AWS's refuse or ignore; ours are SHA-256 and Content-MD5.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 4,
    followRegionRedirects: true,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000, logger: silent },
    logger: silent,
  };
  if (endpoint !== undefined) config.endpoint = endpoint;
  if (region !== undefined) config.region = region;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    config.credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  }
  return config;
}

/** Servers agree on the status of a failure and not on its name. 0 where there was no answer. */
export function statusOf(error: unknown): number {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode ?? 0;
}

/** Without the client's copy of the whole exchange, sockets included, which whoever prints the error would print. */
export function lean(error: unknown): unknown {
  if (typeof error === "object" && error !== null && "$response" in error) {
    Object.defineProperty(error, "$response", { value: error.$response, enumerable: false });
  }
  return error;
}

/** What went wrong and what to do about it; holds no credentials. */
export function explain(error: unknown): string {
  const {
    name = "Error",
    message = String(error),
    code,
  } = (innermost(error) ?? {}) as { name?: string; message?: string; code?: string };
  const status = statusOf(error);
  const said = status === 0 ? `${code ?? name}: ${message}` : `the server answered ${status} (${name})`;
  return `${said}; ${remedy(status, code)}`;
}

function remedy(status: number, code: string | undefined): string {
  if (status === 401 || status === 403) {
    return "check the access key, and that it may list the bucket and get, put and delete objects";
  }
  if (status === 301 || status === 307) return "the bucket is in another region; set HOLDALL_S3_REGION";
  if (status === 404) return "create the bucket or correct its name";
  if (status === 400) return "check the region, the key and the endpoint";
  if (status >= 500 || status === 429) return "the server is in trouble or busy; try again";
  if (code === "ENOTFOUND")
    return "no such host; check HOLDALL_S3_ENDPOINT, and set HOLDALL_S3_PATH_STYLE=true for a self-hosted server";
  if (status === 0) return "check HOLDALL_S3_ENDPOINT, that the server runs, and the credentials";
  return "look into the server's log";
}

/** A name with several addresses fails with one error for each. */
function innermost(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}
