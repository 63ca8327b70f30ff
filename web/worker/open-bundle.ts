import { adviceFor } from "../../engine/advice.ts";
import type { ByteSource } from "../../engine/byte-source.ts";
import type { Codec } from "../../engine/codec.ts";
import { defaultLimits } from "../../engine/limits.ts";
import { type Bundle, openBundle } from "../../engine/read-bundle.ts";
import { verifyBundle } from "../../engine/verify-bundle.ts";
import { nameOf, sourceOf } from "./origin.ts";
import { Pool } from "./pool.ts";
import { poolChecker } from "./pool-check.ts";
import type { Origin } from "./pool-protocol.ts";
import type { OnProgress, VerificationReport } from "./protocol.ts";
import { Speed } from "./speed.ts";

/** The bundle that the page looks at. */
export class OpenBundle {
  readonly origin: Origin;
  readonly source: ByteSource;
  readonly bundle: Bundle;
  readonly codec: Codec;

  private constructor(origin: Origin, source: ByteSource, bundle: Bundle, codec: Codec) {
    this.origin = origin;
    this.source = source;
    this.bundle = bundle;
    this.codec = codec;
  }

  static async open(origin: Origin, codec: Codec, signal: AbortSignal, onProgress?: OnProgress): Promise<OpenBundle> {
    const source = await sourceOf(origin, signal);
    const speed = new Speed(onProgress);
    const indexed = (bytes: number) =>
      speed.update({ bytesDone: bytes, bytesTotal: source.size, rows: 0, entries: 0, entriesTotal: 0, entry: "" });
    const bundle = await openBundle(source, { codec, signal, records: "when-read", onProgress: indexed });
    return new OpenBundle(origin, source, bundle, codec);
  }

  get name(): string {
    return nameOf(this.origin);
  }

  async verify(signal: AbortSignal, onProgress?: OnProgress): Promise<VerificationReport> {
    const start = performance.now();
    const speed = new Speed(onProgress);
    const pool = await Pool.start(this.origin, defaultLimits);
    try {
      let entries = 0;
      const entriesTotal = this.bundle.container.entries.length;
      const check = poolChecker(pool);
      const found = await verifyBundle(this.bundle, {
        codec: this.codec,
        signal,
        check: async function* counted(tasks, context) {
          for await (const checked of check(tasks, context)) {
            entries++;
            yield checked;
          }
        },
        onProgress: (progress) => speed.update({ ...progress, entries, entriesTotal }),
      });
      const issues = found.issues.map((issue) => ({ ...issue, advice: adviceFor(issue.code) }));
      return { ...found, issues, seconds: (performance.now() - start) / 1000 };
    } finally {
      pool.end();
    }
  }
}
