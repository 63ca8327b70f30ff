import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { s3Client } from "../../server/blobs/s3-client.ts";
import { askFor } from "./ask-for.ts";

export interface S3Settings {
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface TestBucket extends S3Settings {
  bucket: string;
  /** For `--blobs` and `HOLDALL_BLOBS`. */
  spec: string;
  /** Variables that a process needs beside `spec`. */
  env: Record<string, string>;
}

/** The first use may install packages. */
export const s3StartTimeout = 600_000;

/**
 * Why tests cannot have a real S3 server here; `undefined` where they can. Under CI they must: there, one that does not
 * start is a failure. `HOLDALL_TEST_S3=1` installs Ceph's Debian packages, a URL names a running server, 0 does without.
 */
export function s3SkipReason(env = process.env): string | undefined {
  const wish = env["HOLDALL_TEST_S3"] ?? "";
  if (env["CI"] === "true" || /^(1$|https?:)/.test(wish)) return undefined;
  if (wish === "0") return "HOLDALL_TEST_S3=0";
  const absent = ["radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "monmaptool"].filter(
    (name) => !onPath(name, env["PATH"]),
  );
  return absent.length === 0 ? undefined : `no S3 server: ${absent.join(", ")} missing; as root, HOLDALL_TEST_S3=1 installs them`;
}

function onPath(name: string, path = ""): boolean {
  return `${path}:/usr/sbin:/sbin`.split(":").some((folder) => {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A bucket that nobody else uses, in the real S3 server of the test run. */
export async function createBucket(): Promise<TestBucket> {
  const settings = await askFor<S3Settings>("s3");
  const bucket = `test-${randomBytes(6).toString("hex")}`;
  const client = s3Client({ ...settings, bucket, prefix: "" });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const env = {
    HOLDALL_S3_ENDPOINT: settings.endpoint,
    HOLDALL_S3_REGION: settings.region,
    HOLDALL_S3_ACCESS_KEY_ID: settings.accessKeyId,
    HOLDALL_S3_SECRET_ACCESS_KEY: settings.secretAccessKey,
    HOLDALL_S3_PATH_STYLE: "true",
  };
  return { ...settings, bucket, spec: `s3://${bucket}`, env };
}
