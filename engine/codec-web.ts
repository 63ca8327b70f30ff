import { createCRC32, createSHA256, type IHasher } from "hash-wasm";
import { concat } from "./bytes.ts";
import type { Codec, InflateStream } from "./codec.ts";
import { PulledCheck, unpackEach } from "./codec-each.ts";
import { deflateNow, fflateCodec, inflateNow, inflateStep, newSha256 } from "./codec-fflate.ts";
import { combineCrc32, crc32 } from "./crc32.ts";
import { BackupError } from "./errors.ts";
import { release } from "./release.ts";
import { createHashMany } from "./sha256-lanes.ts";
import { packBlockEach, packEach } from "./zip/compress.ts";

/** Below this the call into WebAssembly costs more than it saves. */
const wasmCrcFrom = 4096;

/**
 * The browser's own streams and hashes, measured to be faster than any script down to 8 KB; fflate where they are missing.
 * `CompressionStream` knows one level, and no flush: large entries are compressed as one stream.
 */
export async function createWebCodec(): Promise<Codec> {
  if (!hasNativeDeflate()) return fflateCodec;
  const hasher = await createCRC32();
  const sha256 = await createSHA256();
  const sha256Many = await createHashMany();
  const codec: Codec = {
    name: "web",
    crc32: (bytes, seed = 0) => (bytes.length < wasmCrcFrom ? crc32(bytes, seed) : wasmCrc32(hasher, bytes, seed)),
    sha256: (bytes) => (isForSubtle(bytes.length) ? subtleSha256(bytes) : wasmSha256(sha256, bytes)),
    sha256Many,
    createSha256: newSha256,
    deflate: async (bytes, options) =>
      options.final && options.level > 0
        ? concat(await all(through(new CompressionStream("deflate-raw"), [bytes])))
        : deflateNow(bytes, options),
    deflateStream: (input) => through(new CompressionStream("deflate-raw"), input),
    inflate: inflateWhole,
    createInflate: (signal) => new WebInflate(signal),
    createOpenEndedInflate: fflateCodec.createOpenEndedInflate,
    packBlock: (bytes, level) => packBlockEach(bytes, level, codec),
    packBatch: (bytes, lengths, level) => packEach(bytes, lengths, level, codec),
    unpackBatch: (bytes, items, options) => unpackEach(bytes, items, options, codec),
    createCheck: (options) => new PulledCheck(options, codec),
  };
  return codec;
}

/** Old engines know the class and not the format. */
function hasNativeDeflate(): boolean {
  try {
    new DecompressionStream("deflate-raw");
    return true;
  } catch {
    return false;
  }
}

/** hash-wasm takes no seed: the parts are joined by their CRCs. */
function wasmCrc32(hasher: IHasher, bytes: Uint8Array, seed: number): number {
  hasher.init();
  hasher.update(bytes);
  const found = Number.parseInt(hasher.digest("hex"), 16);
  return seed === 0 ? found : combineCrc32(seed, found, bytes.length);
}

/** Below, the way to the browser and back takes longer than the hashing. */
const subtleFrom = 16 * 1024;
/** It copies what it is given, and the browser's allocator takes fresh memory for larger copies of ever other lengths: slower than a script. */
const subtleUpTo = 256 * 1024;

/** Without a secure context there is no `crypto.subtle`: an installation on plain HTTP still previews. */
function isForSubtle(length: number): boolean {
  return length > subtleFrom && length <= subtleUpTo && globalThis.crypto?.subtle !== undefined;
}

function wasmSha256(hasher: IHasher, bytes: Uint8Array): string {
  return hasher.init().update(bytes).digest("hex");
}

async function subtleSha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Up to this size a script inflates in less time than a stream takes to be made. */
const scriptUpTo = 64 * 1024;

async function inflateWhole(bytes: Uint8Array, size: number): Promise<Uint8Array | null> {
  if (size <= scriptUpTo && bytes.length <= inflateStep) return inflateNow(bytes, size);
  const parts: Uint8Array[] = [];
  let found = 0;
  try {
    for await (const part of through(new DecompressionStream("deflate-raw"), [bytes])) {
      found += part.length;
      if (found > size) return null;
      parts.push(part);
    }
  } catch {
    return null;
  }
  if (found !== size) return null;
  if (parts.length === 1) return parts[0]!;
  const content = concat(parts);
  for (const part of parts) release(part);
  return content;
}

/** The stream inflates all it is given before any of it is read: less at a time, and the memory of what was read serves what follows. */
const inflateFed = 64 * 1024;

class WebInflate implements InflateStream {
  readonly #signal: AbortSignal | undefined;
  bytesUsed = 0;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** The stream itself refuses what follows its end, so that at the end everything given has been used. */
  async *inflate(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let given = 0;
    let failure: { reason: unknown } | undefined;
    const counted = async function* (signal: AbortSignal | undefined) {
      try {
        for await (const piece of input) {
          signal?.throwIfAborted();
          given += piece.length;
          for (let at = 0; at < piece.length; at += inflateFed) yield piece.subarray(at, at + inflateFed);
        }
      } catch (reason) {
        failure = { reason };
        throw reason;
      }
    };
    try {
      yield* through(new DecompressionStream("deflate-raw"), counted(this.#signal));
    } catch (cause) {
      if (failure !== undefined) throw failure.reason;
      throw new BackupError("ZIP_BAD_RECORD", (cause as Error).message, {}, { cause });
    }
    this.bytesUsed = given;
  }
}

type ByteTransform = { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array<ArrayBuffer>> };

/** `input` through a native stream. Stopping early cancels both sides. */
async function* through(
  stream: ByteTransform,
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const writing = feed(stream.writable, input);
  const reader = stream.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    await writing;
  } finally {
    await reader.cancel().catch(() => undefined); // it has failed or ended already
    await writing.catch(() => undefined); // the reader has seen the same failure
  }
}

async function feed(
  writable: WritableStream<Uint8Array<ArrayBuffer>>,
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const writer = writable.getWriter();
  writer.closed.catch(() => undefined); // reported by the write that fails
  try {
    for await (const piece of input) {
      // The piece may be filled again once the next one is asked for.
      await writer.write(piece as Uint8Array<ArrayBuffer>);
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
}

async function all(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = [];
  for await (const part of parts) list.push(part);
  return list;
}
