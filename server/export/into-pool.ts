import { createHash } from "node:crypto";
import { BackupError } from "../../engine/errors.ts";
import { poolReference } from "../../engine/file-pool.ts";
import type { FileInput } from "../../engine/write-bundle.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { bytesPassed } from "../external-memory.ts";

interface IntoPool {
  /** Where the objects come from. */
  store: BlobStore;
  /** Where they go, by their SHA-256. */
  blobs: BlobStore;
  warn: (message: string) => void;
  signal?: AbortSignal;
}

const writtenAtOnce = 8;

/**
 * Files that the bundle only refers to: each content is written into the pool once, and not at all where the pool has it. In order; large
 * ones are read twice, because their name is their content's.
 */
export async function* intoPool(files: AsyncIterable<FileInput>, options: IntoPool): AsyncGenerator<FileInput> {
  const ahead: Promise<FileInput>[] = [];
  try {
    for await (const file of files) {
      const next = refer(file, options);
      next.catch(() => {}); // reported where it is awaited
      ahead.push(next);
      // A stream is its reader's turn: nothing may be asked for behind it before it is used up.
      if (typeof file.object !== "string" && !(file.object.body instanceof Uint8Array)) await next;
      if (ahead.length >= writtenAtOnce) yield await ahead.shift()!;
    }
    while (ahead.length > 0) yield await ahead.shift()!;
  } finally {
    await Promise.allSettled(ahead);
  }
}

async function refer(file: FileInput, options: IntoPool): Promise<FileInput> {
  if (typeof file.object === "string") return file;
  const { body } = file.object;
  const found = body instanceof Uint8Array ? identityOf(body) : await identifyStream(file, body, options);
  if (found === undefined) return { ...file, object: "missing" };
  const { signal } = options;
  const reading = async () =>
    body instanceof Uint8Array ? once(body) : (await options.store.open(file.objectKey, signal && { signal })).body;
  await keep(found, reading, file.contentType, options);
  return { ...file, ...found, object: "external", reference: poolReference(found.sha256) };
}

interface Identity {
  size: number;
  sha256: string;
}

function identityOf(body: Uint8Array): Identity {
  return { size: body.length, sha256: createHash("sha256").update(body).digest("hex") };
}

/** An object that cannot be read is a warning, as in a bundle that carries its files. */
async function identifyStream(
  file: FileInput,
  body: AsyncIterable<Uint8Array>,
  options: IntoPool,
): Promise<Identity | undefined> {
  const hash = createHash("sha256");
  let size = 0;
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      size += chunk.length;
      bytesPassed(chunk.length);
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof BackupError)) throw error;
    options.warn(`file ${file.id} (${file.name}): its object ${file.objectKey} could not be read; the bundle goes without it`);
    return undefined;
  }
  return { size, sha256: hash.digest("hex") };
}

async function keep(
  { size, sha256 }: Identity,
  reading: () => Promise<AsyncIterable<Uint8Array>>,
  contentType: string | null,
  { blobs, signal }: IntoPool,
): Promise<void> {
  const found = await blobs.stat(sha256, signal);
  if (found?.size === size) return;
  // Under the name of its content, another size is a file that somebody else has cut.
  if (found !== null) await blobs.remove(sha256, signal);
  await blobs.create(sha256, await reading(), {
    size,
    sha256,
    ...(contentType === null ? {} : { contentType }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
