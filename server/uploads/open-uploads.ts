import { join } from "node:path";
import { BackupError } from "../../engine/errors.ts";
import { locationFrom } from "../blobs/s3-location.ts";
import { FolderUploads } from "./folder-uploads.ts";
import type { UploadStore } from "./upload-store.ts";
import { Uploads } from "./uploads.ts";

interface Place {
  /** `file:PATH` or `s3://bucket/prefix`; a folder below `spool` where absent. */
  spec: string | undefined;
  spool: string;
  maxBytes: number;
}

/** @throws BackupError `REQUEST_INVALID` for a place that is none. */
export async function openUploads({ spec, spool, maxBytes }: Place, env: NodeJS.ProcessEnv = process.env): Promise<Uploads> {
  return new Uploads(await openPlace(spec, spool, env), maxBytes);
}

async function openPlace(spec: string | undefined, spool: string, env: NodeJS.ProcessEnv): Promise<UploadStore> {
  if (!spec) return new FolderUploads(join(spool, "resumable"));
  const file = /^file:(.+)$/s.exec(spec);
  if (file !== null) return new FolderUploads(file[1]!);
  const s3 = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(spec);
  if (s3 === null) {
    const message = `${JSON.stringify(spec)} is no place for uploads; use file:PATH or s3://bucket/prefix`;
    throw new BackupError("REQUEST_INVALID", message);
  }
  // The AWS client takes a quarter of a second to load, which a folder need not wait for.
  const { S3Uploads } = await import("./s3-uploads.ts");
  return new S3Uploads({ bucket: s3[1]!, prefix: s3[2] ?? "", ...locationFrom(env) });
}
