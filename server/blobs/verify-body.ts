import { createHash } from "node:crypto";
import { BackupError } from "../../engine/errors.ts";
import type { NewBlob } from "./blob-store.ts";

/**
 * Passes an object's bytes on and fails where they are not the expected ones: at the first byte too many, or at the end.
 * What is written from it must not become visible before it has ended well.
 */
export class VerifiedBody implements AsyncIterable<Uint8Array> {
  /**
   * Why reading failed: `INTEGRITY_SIZE`, `INTEGRITY_HASH`, the abort's reason, or what the body itself threw. Libraries
   * in between wrap or replace it, and a store must not report it as its own failure.
   */
  failure: unknown;
  readonly #key: string;
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #expected: NewBlob;

  constructor(key: string, body: AsyncIterable<Uint8Array>, expected: NewBlob) {
    this.#key = key;
    this.#body = body;
    this.#expected = expected;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#verified();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  async *#verified(): AsyncGenerator<Uint8Array, void, undefined> {
    const { size, sha256, signal } = this.#expected;
    const hash = createHash("sha256");
    let bytes = 0;
    signal?.throwIfAborted();
    for await (const chunk of this.#body) {
      signal?.throwIfAborted();
      bytes += chunk.length;
      if (bytes > size) throw this.#wrong("INTEGRITY_SIZE", `more than ${size} bytes`, `${size}`);
      hash.update(chunk);
      yield chunk;
    }
    signal?.throwIfAborted();
    if (bytes < size) throw this.#wrong("INTEGRITY_SIZE", `${bytes} bytes`, `${size}`);
    const found = hash.digest("hex");
    if (found !== sha256) throw this.#wrong("INTEGRITY_HASH", `SHA-256 ${found}`, sha256);
  }

  #wrong(code: "INTEGRITY_SIZE" | "INTEGRITY_HASH", found: string, expected: string): BackupError {
    const message = `object ${quote(this.#key)} has ${found} where ${expected} was expected; nothing was stored`;
    return new BackupError(code, message, { key: this.#key });
  }
}

/** Carries what a body threw past a store's own error handling, back to the caller whose body it is. */
export class CallersFailure extends Error {
  override readonly name = "CallersFailure";

  constructor(cause: unknown) {
    super("the body failed", { cause });
  }
}

/** A key may hold anything: control characters must not reach a terminal or a log, nor a megabyte. */
export function quote(key: string): string {
  return JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}…` : key);
}

/** Lets a body that is not wanted after all release what it holds. */
export async function discard(body: AsyncIterable<Uint8Array>): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}

export function assertKey(key: string, description: string): void {
  if (key !== "") return;
  throw new BackupError("IO_STORE_UNAVAILABLE", `an object in ${description} needs a key, and this one's is empty`, { key });
}

export function missing(key: string, description: string, cause?: unknown): BackupError {
  const message = `there is no object ${quote(key)} in ${description}`;
  return new BackupError("IO_STORE_MISSING", message, { key }, cause === undefined ? {} : { cause });
}

export function unavailable(key: string, description: string, why: string, cause?: unknown): BackupError {
  const message = `object ${quote(key)} in ${description} could not be used: ${why}`;
  return new BackupError("IO_STORE_UNAVAILABLE", message, { key }, cause === undefined ? {} : { cause });
}
