import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * V8 collects when its own heap grows, and hardly counts the buffers outside it: hundreds of megabytes of dropped ones pile up
 * while bytes stream through. A collection of the young generation, a millisecond, frees most of them.
 */
const collectEvery = 8 * 1024 * 1024;
/** Buffers that were in use during two collections grow old: only a full collection, some milliseconds, frees those. */
const oldBuffers = 16 * 1024 * 1024;

type Collect = (options: { type: "minor" | "major" }) => void;

let passed = 0;
/** What was really in use after the last full collection; unknown until its sweeper, a thread of its own, has had time. */
let live: number | undefined = 0;
let collect: Collect | undefined;

/** Tells that buffers of this many bytes were used and dropped. */
export function bytesPassed(bytes: number): void {
  passed += bytes;
  if (passed < collectEvery) return;
  passed = 0;
  collect ??= exposeCollector();
  collect({ type: "minor" });
  const { arrayBuffers } = process.memoryUsage();
  live ??= arrayBuffers;
  if (arrayBuffers < live + oldBuffers) return;
  collect({ type: "major" });
  live = undefined;
}

/** The same chunks; what they took is collected as they pass. */
export async function* collecting(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    bytesPassed(chunk.length);
  }
}

function exposeCollector(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
