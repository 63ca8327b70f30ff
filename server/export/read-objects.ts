import { createHash } from "node:crypto";
import { collect } from "../../engine/bytes.ts";
import { BackupError } from "../../engine/errors.ts";
import type { FileInput } from "../../engine/write-bundle.ts";
import type { BlobStore, OpenBlob } from "../blobs/blob-store.ts";
import { bytesPassed } from "../external-memory.ts";
import type { BlobRow } from "./blob-rows.ts";

/** Objects up to this size are read ahead whole; larger ones are streamed when their turn comes. */
const readAheadBytes = 4 * 1024 * 1024;
const readAhead = 8;
/** A store that drops a connection is asked again for the rest this many times. */
const retries = 4;

interface ReadOptions {
  store: BlobStore;
  warn: (message: string) => void;
  signal?: AbortSignal;
}

/** Reads the objects of `rows` ahead with bounded concurrency and gives them in order. */
export async function* readObjects(rows: AsyncIterable<BlobRow>, options: ReadOptions): AsyncGenerator<FileInput> {
  const ahead: Promise<FileInput>[] = [];
  try {
    for await (const row of rows) {
      const next = readObject(row, options);
      // Its turn to be awaited may never come; the loop that awaits it reports the failure.
      next.catch(() => {});
      ahead.push(next);
      if (ahead.length >= readAhead) yield await streamIfLarge(ahead.shift()!, options);
    }
    while (ahead.length > 0) yield await streamIfLarge(ahead.shift()!, options);
  } finally {
    await Promise.allSettled(ahead);
  }
}

async function readObject(row: BlobRow, options: ReadOptions): Promise<FileInput> {
  if (row.key === null) return withoutObject(row, "missing");
  const { key } = row;
  return guarded(row, options, async () => {
    const opened = await options.store.open(key, signalOption(options));
    if (opened.size > readAheadBytes) {
      for await (const _ of opened.body) break;
      return { ...withoutObject(row, "missing"), object: { size: opened.size, body: empty() } };
    }
    const body = await collect(resumed(key, opened, options));
    bytesPassed(2 * body.length);
    compare(row, { size: body.length, sha256: createHash("sha256").update(body).digest("hex") }, options);
    return { ...withoutObject(row, "missing"), object: { size: body.length, body } };
  });
}

/** A large object is opened anew in its turn: it may have gone since. */
async function streamIfLarge(read: Promise<FileInput>, options: ReadOptions): Promise<FileInput> {
  const file = await read;
  if (typeof file.object === "string" || file.object.size <= readAheadBytes) return file;
  const row: BlobRow = { ...file, key: file.objectKey };
  return guarded(row, options, async () => {
    const opened = await options.store.open(file.objectKey, signalOption(options));
    return { ...file, object: { size: opened.size, body: streamed(row, opened, options) } };
  });
}

/** A missing or unreadable object is a warning and never breaks the bundle. */
async function guarded(row: BlobRow, options: ReadOptions, read: () => Promise<FileInput>): Promise<FileInput> {
  try {
    return await read();
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof BackupError)) throw error;
    const found = error.code === "IO_STORE_MISSING" ? "is missing from" : "could not be read from";
    options.warn(`file ${row.id} (${row.name}): its object ${row.key} ${found} the blob store; the bundle goes without it`);
    return withoutObject(row, "missing");
  }
}

async function* streamed(row: BlobRow, opened: OpenBlob, options: ReadOptions): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let offset = 0;
  for await (const chunk of resumed(row.key!, opened, options)) {
    hash.update(chunk);
    offset += chunk.length;
    yield chunk;
    bytesPassed(chunk.length);
  }
  compare(row, { size: offset, sha256: hash.digest("hex") }, options);
}

/** The object's bytes; where the store breaks off, reading goes on at the byte it had reached. */
async function* resumed(key: string, opened: OpenBlob, options: ReadOptions): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      const { body } = attempt === 0 ? opened : await options.store.open(key, { offset, ...signalOption(options) });
      for await (const chunk of body) {
        offset += chunk.length;
        yield chunk;
      }
      if (offset === opened.size) return;
      throw new BackupError("IO_STORE_UNAVAILABLE", `the object ${key} ended after ${offset} of ${opened.size} bytes`);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof BackupError) || attempt === retries || offset > opened.size) throw error;
    }
  }
}

function compare(row: BlobRow, found: { size: number; sha256: string }, options: ReadOptions): void {
  const sameSize = row.size === null || row.size === found.size;
  if (sameSize && (row.sha256 === null || row.sha256 === found.sha256)) return;
  options.warn(`file ${row.id} (${row.name}): its object is not the one that its row describes (size or SHA-256 differ)`);
}

export function withoutObject(row: BlobRow, object: "external" | "missing"): FileInput {
  const { id, name, contentType, size, sha256 } = row;
  return { id, name, objectKey: row.key ?? "", contentType, size, sha256, object };
}

function signalOption({ signal }: ReadOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

async function* empty(): AsyncGenerator<Uint8Array> {}
