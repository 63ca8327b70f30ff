import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { S3Object } from "./s3-read.ts";

/** Smallest part that S3 takes is 5 MiB. */
const smallestPart = 8 * 1024 * 1024;
/** AWS: 10,000 parts an object. */
const mostParts = 10_000;
/** More at once would only cost memory: each holds its part. */
const atOnce = 3;

export interface Upload {
  object: S3Object;
  size: number;
  contentType?: string;
  signal?: AbortSignal;
}

/**
 * Uploads in parts, which stay invisible until the last step. `mayComplete` is asked when all of them are there, the
 * body has ended well and nothing but that step is left; where it says no, or anything fails, the parts are given up.
 */
export async function uploadParts(
  client: S3Client,
  upload: Upload,
  body: AsyncIterable<Uint8Array>,
  mayComplete: () => Promise<boolean>,
): Promise<boolean> {
  const { object, contentType, signal } = upload;
  const options = { ...(signal && { abortSignal: signal }) };
  const create = new CreateMultipartUploadCommand({ ...object, ...(contentType !== undefined && { ContentType: contentType }) });
  // Without the signal: the server may have begun an upload that we never hear the number of, and could not give up.
  const { UploadId } = await client.send(create);
  const target = { ...object, UploadId: UploadId! };
  let completed = false;
  try {
    signal?.throwIfAborted();
    const parts = await sendParts(client, target, upload, body);
    if (!(await mayComplete())) return false;
    // Ignored by Ceph and older servers, where only the question just asked guards the key.
    const last = { ...target, IfNoneMatch: "*", MultipartUpload: { Parts: parts } };
    await client.send(new CompleteMultipartUploadCommand(last), options);
    completed = true;
    return true;
  } finally {
    // Without the signal: what was aborted must be given up too. The first error is the one to report.
    if (!completed) await client.send(new AbortMultipartUploadCommand(target)).catch(() => {});
  }
}

type Target = S3Object & { UploadId: string };

async function sendParts(
  client: S3Client,
  target: Target,
  upload: Upload,
  body: AsyncIterable<Uint8Array>,
): Promise<CompletedPart[]> {
  const { size, signal } = upload;
  const partBytes = Math.max(smallestPart, Math.ceil(size / mostParts));
  const parts: CompletedPart[] = [];
  const inFlight = new Set<Promise<void>>();
  const failed = new AbortController();
  const abortSignal = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  try {
    for await (const Body of slices(body, partBytes)) {
      const PartNumber = parts.push({});
      const sending = sendPart(client, { ...target, PartNumber, Body }, abortSignal).then((part) => {
        parts[PartNumber - 1] = part;
        inFlight.delete(sending);
      });
      inFlight.add(sending);
      sending.catch(() => {});
      if (inFlight.size >= atOnce) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    return parts;
  } catch (error) {
    // A part that arrives after the upload was given up would stay, paid for and invisible.
    failed.abort(error);
    await Promise.allSettled(inFlight);
    throw error;
  }
}

async function sendPart(client: S3Client, part: Target & { PartNumber: number; Body: Buffer }, abortSignal: AbortSignal) {
  const ContentMD5 = md5(part.Body);
  const { ETag } = await client.send(new UploadPartCommand({ ...part, ContentMD5 }), { abortSignal });
  return { PartNumber: part.PartNumber, ...(ETag !== undefined && { ETag }) };
}

/** The one checksum of a request that every S3 server checks. */
export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

/** The same bytes in pieces of `length`, the last one shorter. */
async function* slices(body: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Buffer> {
  let slice = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(length - filled, chunk.length - at);
      slice.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < length) continue;
      yield slice;
      slice = Buffer.allocUnsafeSlow(length);
      filled = 0;
    }
  }
  if (filled > 0) yield slice.subarray(0, filled);
}
