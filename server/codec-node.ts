import { createHash, hash } from "node:crypto";
import { crc32, createInflateRaw, type InflateRaw, inflateRaw } from "node:zlib";
import type { CheckOptions, Codec, EntryCheck, InflateStream, PackedBatch, PackedBlock, UnpackedItem } from "../engine/codec.ts";
import { BackupError } from "../engine/errors.ts";
import { leastLoaded } from "./codec-pool.ts";
import { packBatchSync, unpackBatchSync } from "./codec-sync.ts";
import { collecting } from "./external-memory.ts";
import { deflateNow } from "./zlib-engine.ts";

/** Output of one step of a streaming inflate; larger steps cross the thread pool less often. */
const inflateStep = 256 * 1024;

/** Batches up to this size are done at once: a thread costs more. */
const inlineBytes = 64 * 1024;

/** zlib on libuv's thread pool, OpenSSL's SHA-256. */
export const nodeCodec: Codec = {
  name: "node",
  crc32: (bytes, seed = 0) => crc32(bytes, seed),
  sha256: (bytes) => hash("sha256", bytes, "hex"),
  createSha256() {
    const sha = createHash("sha256");
    return { update: (bytes) => void sha.update(bytes), digest: () => sha.digest("hex") };
  },
  deflate: async (bytes, { level, final }) => deflateNow(bytes, level, final).slice(),
  inflate: inflateWhole,
  createInflate: (signal) => new NodeInflate(signal),
  createOpenEndedInflate: (signal) => new NodeInflate(signal),
  packBlock: async (bytes, level) => (await leastLoaded().run({ kind: "pack-block", bytes, level })) as PackedBlock,
  packBatch: async (bytes, lengths, level) =>
    bytes.length <= inlineBytes
      ? packBatchSync(bytes, lengths, level)
      : ((await leastLoaded().run({ kind: "pack", bytes, lengths, level })) as PackedBatch),
  unpackBatch: async (bytes, items, options) =>
    bytes.length <= inlineBytes
      ? unpackBatchSync(bytes, items, options)
      : ((await leastLoaded().run({ kind: "unpack", bytes, items, options })) as (UnpackedItem | null)[]),
  createCheck: (options) => new ThreadCheck(options),
};

let checksOpened = 0;

/** A check whose inflating and digesting is done by a thread of the pool. */
class ThreadCheck implements EntryCheck {
  readonly #thread = leastLoaded();
  readonly #check = checksOpened++;

  constructor(options: CheckOptions) {
    this.#thread.checks++;
    const opened = this.#thread.run({ kind: "open-check", check: this.#check, options });
    opened.catch(() => undefined); // every later call reports it
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#thread.run({ kind: "write-check", check: this.#check, bytes });
  }

  async end(): Promise<UnpackedItem | null> {
    this.#thread.checks--;
    return (await this.#thread.run({ kind: "end-check", check: this.#check })) as UnpackedItem | null;
  }

  cancel(): void {
    this.#thread.checks--;
    this.#thread.run({ kind: "cancel-check", check: this.#check }).catch(() => undefined);
  }
}

function inflateWhole(bytes: Uint8Array, size: number): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    // One byte more than declared is enough to know a lie.
    const options = { maxOutputLength: size + 1, chunkSize: Math.max(64, Math.min(size + 1, 1 << 20)), info: true };
    inflateRaw(bytes, options, (error, result) => {
      if (error) return resolve(null);
      const { buffer, engine } = result as unknown as { buffer: Uint8Array; engine: InflateRaw };
      resolve(buffer.length === size && engine.bytesWritten === bytes.length ? plain(buffer) : null);
    });
  });
}

/** Not a Buffer: its `slice` shares memory where the standard's copies. */
function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

class NodeInflate implements InflateStream {
  readonly #signal: AbortSignal | undefined;
  bytesUsed = 0;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  async *inflate(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    // The high-water mark lets the pool inflate ahead while what came before is worked on.
    const options = { chunkSize: inflateStep, readableHighWaterMark: 2 * inflateStep };
    const stream = createInflateRaw(options);
    const feeding = feed(input, stream, this.#signal);
    try {
      yield* collecting(stream);
      this.bytesUsed = stream.bytesWritten;
    } catch (error) {
      throw inflateFailure(error);
    } finally {
      stream.destroy();
      await feeding;
    }
  }
}

/** Writes input under back-pressure; a failure of the input destroys the stream, which reports it to whoever reads. */
async function feed(input: AsyncIterable<Uint8Array>, stream: InflateRaw, signal?: AbortSignal): Promise<void> {
  try {
    for await (const piece of input) {
      signal?.throwIfAborted();
      if (takesNoMore(stream)) return;
      if (!stream.write(piece)) await drained(stream);
      if (takesNoMore(stream)) return;
    }
    stream.end();
  } catch (error) {
    stream.destroy(error as Error);
  }
}

function takesNoMore(stream: InflateRaw): boolean {
  return stream.destroyed || stream.readableEnded;
}

/** The stream takes no more after its last block, whatever is written: then closing is what ends the wait. */
function drained(stream: InflateRaw): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done).off("end", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("end", done);
  });
}

function inflateFailure(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === "string" && code.startsWith("Z_")) {
    return new BackupError("ZIP_BAD_RECORD", (error as Error).message, {}, { cause: error });
  }
  return error;
}
