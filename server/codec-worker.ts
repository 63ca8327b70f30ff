import { once } from "node:events";
import { parentPort } from "node:worker_threads";
import { createInflateRaw, type InflateRaw } from "node:zlib";
import type { CheckOptions, UnpackedItem } from "../engine/codec.ts";
import { Digests, free, packBatchSync, packBlockSync, unpackBatchSync } from "./codec-sync.ts";
import type { Answer, Task, TaskResult } from "./codec-task.ts";

/** A thread of the codec's pool: takes tasks, answers each with its number. */

const checks = new Map<number, Check>();

/** Inflates on the thread pool while this thread digests what came before. */
class Check {
  readonly #options: CheckOptions;
  readonly #digests: Digests;
  readonly #inflate: InflateRaw | undefined;
  /** Settles once the stream takes no more: at its end, or when it is found bad. */
  readonly #closed: Promise<unknown>;
  #written = 0;
  #bad = false;

  constructor(options: CheckOptions) {
    this.#options = options;
    this.#digests = new Digests(options.sha256);
    this.#inflate = options.deflated ? createInflateRaw({ chunkSize: 256 * 1024 }) : undefined;
    this.#closed = this.#inflate === undefined ? Promise.resolve() : this.#follow(this.#inflate);
  }

  async #follow(inflate: InflateRaw): Promise<void> {
    // Digesting a turn later lets the next piece be inflated meanwhile.
    inflate.on("data", (piece: Uint8Array) =>
      setImmediate(() => {
        this.#take(piece);
        // zlib goes on writing into a buffer that it has not filled; pieces of one buffer come in order.
        if (piece.byteOffset + piece.byteLength === piece.buffer.byteLength) free(piece);
      }),
    );
    try {
      await once(inflate, "end");
    } catch {
      this.#bad = true;
    }
    inflate.destroy();
    await new Promise(setImmediate);
  }

  #take(piece: Uint8Array): void {
    if (this.#bad) return;
    this.#digests.update(piece);
    if (this.#digests.size <= this.#options.size) return;
    this.#bad = true;
    this.#inflate?.destroy(new Error("longer than declared"));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#written += bytes.length;
    const inflate = this.#inflate;
    if (inflate === undefined) this.#take(bytes);
    else if (!inflate.destroyed && !inflate.readableEnded) {
      await Promise.race([new Promise((resolve) => inflate.write(bytes, resolve)), this.#closed]);
    }
  }

  async end(): Promise<UnpackedItem | null> {
    this.#inflate?.end();
    await this.#closed;
    const used = this.#inflate?.bytesWritten ?? this.#written;
    if (this.#bad || used !== this.#written || this.#digests.size !== this.#options.size) return null;
    return this.#digests.result();
  }

  cancel(): void {
    this.#bad = true;
    this.#inflate?.destroy();
  }
}

/** Contents go back in one buffer, which is transferred. */
function unpack({ bytes, items, options }: Task & { kind: "unpack" }): { result: TaskResult; transfer: ArrayBuffer[] } {
  const result = unpackBatchSync(bytes, items, options);
  if (!options.content) return { result, transfer: [] };
  const joined = new Uint8Array(result.reduce((sum, item) => sum + (item?.content?.length ?? 0), 0));
  let at = 0;
  for (const item of result) {
    if (item?.content === undefined) continue;
    joined.set(item.content, at);
    item.content = joined.subarray(at, at + item.content.length);
    at += item.content.length;
  }
  return { result, transfer: [joined.buffer] };
}

async function perform(task: Task): Promise<{ result: TaskResult; transfer: ArrayBuffer[] }> {
  switch (task.kind) {
    case "pack-block": {
      const result = packBlockSync(task.bytes, task.level);
      return { result, transfer: [result.bytes.buffer as ArrayBuffer] };
    }
    case "pack": {
      const result = packBatchSync(task.bytes, task.lengths, task.level);
      return { result, transfer: [result.bytes.buffer as ArrayBuffer] };
    }
    case "unpack":
      return unpack(task);
    case "open-check":
      checks.set(task.check, new Check(task.options));
      return { result: null, transfer: [] };
    case "write-check":
      await checks.get(task.check)!.write(task.bytes);
      return { result: null, transfer: [] };
    case "end-check": {
      const result = await checks.get(task.check)!.end();
      checks.delete(task.check);
      return { result, transfer: [] };
    }
    case "cancel-check":
      checks.get(task.check)?.cancel();
      checks.delete(task.check);
      return { result: null, transfer: [] };
  }
}

parentPort!.on("message", async ({ id, task }: { id: number; task: Task }) => {
  try {
    const { result, transfer } = await perform(task);
    const memory = "bytes" in task ? (task.bytes.buffer as ArrayBuffer) : undefined;
    if (memory === undefined || transfer.includes(memory)) parentPort!.postMessage({ id, result } satisfies Answer, transfer);
    else parentPort!.postMessage({ id, result, memory } satisfies Answer, [...transfer, memory]);
  } catch (error) {
    parentPort!.postMessage({ id, failure: String(error) } satisfies Answer);
  }
});
