import { BackupError } from "../errors.ts";

/** SHA-256 of contents, which may be worked out elsewhere while the stream is read on. */
export interface ContentHashing {
  create(): ContentHasher | Promise<ContentHasher>;
  /** No more is to come: what has been waiting for more is hashed. */
  end?(): void;
}

export interface ContentHasher {
  /** The bytes are the caller's again at once; more are taken when what it gives is fulfilled. */
  update(bytes: Uint8Array): void | Promise<void>;
  /** Lowercase hex. */
  digest(): string | Promise<string>;
}

/** Holds the hashes of contents against those that their `$end` lines state, as they become known. */
export class StatedHashes {
  readonly #hashing: ContentHashing;
  readonly #open = new Set<Promise<void>>();
  #failure: { reason: unknown } | undefined;

  constructor(hashing: ContentHashing) {
    this.#hashing = hashing;
  }

  /** @param offset where the stream states the hash */
  compare(found: string | Promise<string>, stated: string, path: string, offset: number): void {
    const compared = assertSame(found, stated, path, offset)
      .catch((reason: unknown) => {
        this.#failure ??= { reason };
      })
      .finally(() => this.#open.delete(compared));
    this.#open.add(compared);
  }

  /** Fails with the first difference that is known by now. */
  assertNoneDiffers(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** What passes, or why it fails: content that has changed before is told first, since the rest may follow from it. */
  async *before<T>(work: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* work;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** Waits for all. */
  async end(): Promise<void> {
    this.#hashing.end?.();
    await Promise.all(this.#open);
    this.assertNoneDiffers();
  }
}

async function assertSame(found: string | Promise<string>, stated: string, path: string, offset: number): Promise<void> {
  if ((await found) === stated) return;
  const message = `${path}: its SHA-256 is not the one in its $end line: the content was changed on the way; export again`;
  throw new BackupError("INTEGRITY_HASH", message, { entry: path, offset });
}
