import {
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { BackupError } from "../../engine/errors.ts";
import type { BlobInfo, BlobStore, NewBlob, OpenBlob } from "./blob-store.ts";
import { explain, lean, type S3Location, s3Client, statusOf } from "./s3-client.ts";
import { md5, uploadParts } from "./s3-multipart.ts";
import { openObject, type S3Object } from "./s3-read.ts";
import { assertKey, CallersFailure, discard, missing, unavailable, VerifiedBody } from "./verify-body.ts";

/** Up to here an object goes out in one request, which the server makes visible in one step. */
const oneRequest = 8 * 1024 * 1024;
/** S3's limit, in bytes of UTF-8. */
const longestKey = 1024;

export type S3Store = BlobStore & {
  /** Fails with `IO_STORE_UNAVAILABLE` where the bucket is not there or the keys do not open it. */
  check(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

/** A blob store in a bucket of any S3 server. */
export function s3Store(location: S3Location): S3Store {
  return new BucketStore(location);
}

class BucketStore implements S3Store {
  readonly description: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** "" or ending with a slash. */
  readonly #prefix: string;

  constructor(location: S3Location) {
    const prefix = location.prefix.replace(/^\/+|\/+$/g, "");
    this.description = `s3://${location.bucket}${prefix === "" ? "" : `/${prefix}`}`;
    this.#client = s3Client(location);
    this.#bucket = location.bucket;
    this.#prefix = prefix === "" ? "" : `${prefix}/`;
  }

  async check(signal?: AbortSignal): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), options(signal));
    } catch (cause) {
      signal?.throwIfAborted();
      throw new BackupError(
        "IO_STORE_UNAVAILABLE",
        `${this.description} cannot be used: ${explain(cause)}`,
        {},
        { cause: lean(cause) },
      );
    }
  }

  stat(key: string, signal?: AbortSignal): Promise<BlobInfo | null> {
    return this.#attempt(key, signal, async (object) => {
      const head = await this.#head(object, signal);
      return head === null ? null : { key, size: head.ContentLength ?? 0 };
    });
  }

  open(key: string, { offset = 0, signal }: { offset?: number; signal?: AbortSignal } = {}): Promise<OpenBlob> {
    return this.#attempt(key, signal, async (object) => {
      const { size, body } = await openObject(this.#client, object, offset, signal);
      return { size, body: this.#reading(key, body, signal) };
    });
  }

  create(key: string, body: AsyncIterable<Uint8Array>, expected: NewBlob): Promise<"created" | "exists"> {
    const verified = new VerifiedBody(key, body, expected);
    return this.#attempt(key, expected.signal, async (object) => {
      // Asked even where the server decides it again, because there are servers that ignore the condition.
      if ((await this.#head(object, expected.signal)) !== null) {
        await discard(body);
        return "exists";
      }
      try {
        const created =
          expected.size <= oneRequest ? this.#put(object, verified, expected) : this.#upload(object, verified, expected);
        return (await created) ? "created" : "exists";
      } catch (error) {
        if (statusOf(error) === 412) return "exists";
        // AWS, where two write the key at once: the one that lost may ask again.
        if (statusOf(error) === 409 && (await this.#head(object, expected.signal)) !== null) return "exists";
        throw verified.failure === undefined ? error : new CallersFailure(verified.failure);
      }
    });
  }

  remove(key: string, signal?: AbortSignal): Promise<void> {
    return this.#attempt(key, signal, async (object) => {
      try {
        await this.#client.send(new DeleteObjectCommand(object), options(signal));
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
        await this.check(signal);
      }
    });
  }

  async *list(prefix = "", signal?: AbortSignal): AsyncGenerator<BlobInfo> {
    signal?.throwIfAborted();
    // Encoded, because XML cannot hold every character that a key can.
    const request = { Bucket: this.#bucket, Prefix: this.#prefix + prefix, EncodingType: "url" } as const;
    let next: string | undefined;
    do {
      const page = await this.#page({ ...request, ...(next !== undefined && { ContinuationToken: next }) }, prefix, signal);
      for (const { Key = "", Size = 0 } of page.Contents ?? []) {
        signal?.throwIfAborted();
        yield { key: decodeURIComponent(Key.replaceAll("+", " ")).slice(this.#prefix.length), size: Size };
      }
      next = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  async #page(request: ConstructorParameters<typeof ListObjectsV2Command>[0], prefix: string, signal?: AbortSignal) {
    try {
      return await this.#client.send(new ListObjectsV2Command(request), options(signal));
    } catch (cause) {
      signal?.throwIfAborted();
      throw unavailable(prefix, this.description, explain(cause), lean(cause));
    }
  }

  async #head(object: S3Object, signal?: AbortSignal) {
    try {
      return await this.#client.send(new HeadObjectCommand(object), options(signal));
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async #put(object: S3Object, verified: VerifiedBody, { size, contentType, signal }: NewBlob): Promise<boolean> {
    const bytes = Buffer.alloc(size);
    let filled = 0;
    for await (const chunk of verified) {
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    const put = { ...object, Body: bytes, ContentLength: size, ContentMD5: md5(bytes), IfNoneMatch: "*" };
    await this.#client.send(
      new PutObjectCommand({ ...put, ...(contentType !== undefined && { ContentType: contentType }) }),
      options(signal),
    );
    return true;
  }

  #upload(object: S3Object, verified: VerifiedBody, { size, contentType, signal }: NewBlob): Promise<boolean> {
    const upload = { object, size, ...(contentType !== undefined && { contentType }), ...(signal && { signal }) };
    return uploadParts(this.#client, upload, verified, async () => (await this.#head(object, signal)) === null);
  }

  async *#reading(key: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#failure(key, cause);
    }
  }

  async #attempt<T>(key: string, signal: AbortSignal | undefined, work: (object: S3Object) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    assertKey(key, this.description);
    const Key = this.#prefix + key;
    this.#assertStorable(key, Key);
    try {
      return await work({ Bucket: this.#bucket, Key });
    } catch (cause) {
      if (cause instanceof CallersFailure) throw cause.cause;
      signal?.throwIfAborted();
      throw this.#failure(key, cause);
    }
  }

  #assertStorable(key: string, whole: string): void {
    const refuse = (why: string) => unavailable(key, this.description, why);
    if (!whole.isWellFormed() || whole.includes("\0"))
      throw refuse("its key holds what S3 cannot (half a character, or NUL); rename it");
    if (Buffer.byteLength(whole) > longestKey) throw refuse(`its key is longer than S3's ${longestKey} bytes; rename it`);
    // A proxy or server that tidies paths would take it for another object, outside of the prefix even.
    if (/(^|\/)\.\.?(\/|$)/.test(whole))
      throw refuse('its key has a segment "." or "..", which S3 servers treat differently; rename it');
  }

  #failure(key: string, cause: unknown): BackupError {
    if (cause instanceof BackupError) return cause;
    const noObject = statusOf(cause) === 404 && (cause as Error).name !== "NoSuchBucket";
    return noObject
      ? missing(key, this.description, lean(cause))
      : unavailable(key, this.description, explain(cause), lean(cause));
  }
}

function options(signal?: AbortSignal) {
  return { ...(signal && { abortSignal: signal }) };
}
