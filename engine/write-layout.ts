import type { Codec } from "./codec.ts";
import type { FilePool } from "./file-pool.ts";

export interface WriteLayoutOptions {
  container: "zip" | "ndjson";
  codec: Codec;
  /** Deflate level of the zip container. */
  level?: number;
  signal?: AbortSignal;
  /** See `WriteContainerOptions`. */
  reuseMemory?: boolean;
  /** Where files are taken from that the bundle only refers to; without it they stay references where the layout has such. */
  pool?: FilePool;
}

export interface WrittenLayout {
  /** To be consumed once. */
  body: AsyncIterable<Uint8Array>;
  /** What was left out, and what whoever reads the layout will not accept. Complete once the body has been consumed. */
  warnings: readonly string[];
  /** Its usual name. `sha256` is the body's, lowercase hex. */
  fileName(sha256: string): string;
}
