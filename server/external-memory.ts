import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * V8 collects when its own heap grows, and hardly counts the buffers outside it: hundreds of megabytes of dropped ones pile up
 * while bytes stream through. A collection of the young generation, a millisecond, frees them.
 */
const collectEvery = 8 * 1024 * 1024;

let passed = 0;
let collect: ((options: { type: "minor" }) => void) | undefined;

/** Tells that buffers of this many bytes were used and dropped. */
export function bytesPassed(bytes: number): void {
  passed += bytes;
  if (passed < collectEvery) return;
  passed = 0;
  collect ??= exposeCollector();
  collect({ type: "minor" });
}

/** The same chunks; what they took is collected as they pass. */
export async function* collecting(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    bytesPassed(chunk.length);
  }
}

function exposeCollector(): (options: { type: "minor" }) => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
