import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { S3Store } from "@tus/s3-store";
import { assertRange } from "../../engine/byte-source.ts";
import { BackupError } from "../../engine/errors.ts";
import { explain, lean, type S3Location, s3Config } from "../blobs/s3-client.ts";
import { abandonedAfter, type ClosableSource, type UploadStore } from "./upload-store.ts";

const infoSuffix = ".info";

/** Uploads as multipart uploads of a bucket, below a prefix of their own. */
export class S3Uploads extends S3Store implements UploadStore {
  readonly prefix: string;
  readonly #bucket: string;
  readonly #reader: S3Client;

  constructor(location: S3Location, expiration = abandonedAfter) {
    const config = s3Config(location);
    super({
      s3ClientConfig: { ...config, bucket: location.bucket },
      expirationPeriodInMilliseconds: expiration,
      // Not every server knows tags.
      useTags: false,
      maxConcurrentPartUploads: 4,
    });
    const prefix = location.prefix.replace(/^\/+|\/+$/g, "");
    this.prefix = prefix === "" ? "" : `${prefix}/`;
    this.#bucket = location.bucket;
    this.#reader = new S3Client(config);
  }

  /** Also of what is complete, where the package finds no multipart upload to end and gives up. */
  override async remove(id: string): Promise<void> {
    await super.remove(id).catch(() => {});
    for (const Key of [id, `${id}.part`, `${id}${infoSuffix}`]) {
      await this.#attempt(() => this.#reader.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key })));
    }
    await this.cache.delete(id);
  }

  /** By the descriptions below the prefix: the package's own would abort every old multipart upload in the bucket. */
  override async deleteExpired(): Promise<number> {
    let [removed, next]: [number, string | undefined] = [0, undefined];
    do {
      const request = { Bucket: this.#bucket, Prefix: this.prefix, ...(next !== undefined && { ContinuationToken: next }) };
      const page: Awaited<ReturnType<typeof this.listPage>> = await this.listPage(request);
      for (const { Key = "", LastModified } of page.Contents ?? []) {
        const isOld = Date.now() - (LastModified?.getTime() ?? Date.now()) > this.getExpiration();
        if (!Key.endsWith(infoSuffix) || !isOld) continue;
        await this.remove(Key.slice(0, -infoSuffix.length));
        removed++;
      }
      next = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
    return removed;
  }

  async source(id: string): Promise<ClosableSource> {
    const object = { Bucket: this.#bucket, Key: id };
    const { ContentLength: size = 0 } = await this.#attempt(() => this.#reader.send(new HeadObjectCommand(object)));
    return {
      size,
      read: async (offset, length, signal) => {
        assertRange({ size }, offset, length);
        if (length === 0) return new Uint8Array(0);
        return this.#attempt(async () => {
          const range = { ...object, Range: `bytes=${offset}-${offset + length - 1}` };
          const { Body } = await this.#reader.send(new GetObjectCommand(range), signal ? { abortSignal: signal } : {});
          const bytes = await Body!.transformToByteArray();
          if (bytes.length !== length) throw new Error(`${bytes.length} bytes came instead of ${length}`);
          return bytes;
        }, signal);
      },
      async close() {},
    };
  }

  private listPage(request: ConstructorParameters<typeof ListObjectsV2Command>[0]) {
    return this.#reader.send(new ListObjectsV2Command(request));
  }

  async #attempt<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new BackupError("IO_SOURCE", `the upload cannot be read back: ${explain(cause)}`, {}, { cause: lean(cause) });
    }
  }
}
