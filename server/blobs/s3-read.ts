import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { OpenBlob } from "./blob-store.ts";
import { statusOf } from "./s3-client.ts";

export interface S3Object {
  Bucket: string;
  Key: string;
}

/** What `open` fetches at once: a body that is never read then holds no connection. */
const firstBytes = 1024 * 1024;
/** Times that a body picks up where its connection broke, without a byte in between. */
const resumptions = 4;

/** The object's bytes from `offset` on; all of them of one version of it. Fails as the client fails. */
export async function openObject(client: S3Client, object: S3Object, offset: number, signal?: AbortSignal): Promise<OpenBlob> {
  try {
    const first = await fetchRange(client, object, { from: offset, to: offset + firstBytes }, undefined, signal);
    const bytes = await collect(first.stream);
    return { size: first.size, body: whole(client, object, bytes, { at: offset, ...first }, signal) };
  } catch (error) {
    // An empty object, and an offset at the end, have no first byte that a range could name.
    if (statusOf(error) !== 416) throw error;
    const head = await client.send(new HeadObjectCommand(object), { ...(signal && { abortSignal: signal }) });
    return { size: head.ContentLength ?? 0, body: nothing() };
  }
}

interface Range {
  from: number;
  /** Exclusive. */
  to: number;
}

async function fetchRange(client: S3Client, object: S3Object, { from, to }: Range, etag?: string, signal?: AbortSignal) {
  const answer = await client.send(
    new GetObjectCommand({ ...object, Range: `bytes=${from}-${to - 1}`, ...(etag !== undefined && { IfMatch: etag }) }),
    { ...(signal && { abortSignal: signal }) },
  );
  const stream = answer.Body as Readable;
  const total = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.ContentRange ?? "");
  if (total === null || Number(total[1]) !== from) {
    stream.destroy();
    throw new Error(`the server answered a request for bytes ${from} to ${to} with ${answer.ContentRange ?? "another range"}`);
  }
  return { stream, size: Number(total[2]), ...(answer.ETag !== undefined && { etag: answer.ETag }) };
}

async function collect(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* whole(
  client: S3Client,
  object: S3Object,
  first: Uint8Array,
  from: { at: number; size: number; etag?: string },
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  if (first.length > 0) yield first;
  let at = from.at + first.length;
  for (let failures = 0; at < from.size; ) {
    try {
      const { stream } = await fetchRange(client, object, { from: at, to: from.size }, from.etag, signal);
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        at += chunk.length;
        failures = 0;
        yield chunk;
      }
    } catch (error) {
      signal?.throwIfAborted();
      // An answer with a status is final: the client has tried again by itself; 412 is another object by now.
      if (statusOf(error) !== 0 || ++failures > resumptions) throw error;
      await sleep(200 * 2 ** failures, undefined, { ...(signal && { signal }) });
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
