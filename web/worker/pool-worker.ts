import * as Comlink from "comlink";
import type { ByteSource } from "../../engine/byte-source.ts";
import { createWebCodec } from "../../engine/codec-web.ts";
import type { Limits } from "../../engine/limits.ts";
import { Checker } from "./checker.ts";
import { answered, Cancelled } from "./failure.ts";
import { sourceOf } from "./origin.ts";
import { packing } from "./packing.ts";
import type { CheckedShare, CheckJob, PoolWorker } from "./pool-protocol.ts";
import { Tally } from "./tally.ts";

/** Not awaited up here: a message that comes while a module awaits is lost. */
const codecReady = createWebCodec();
let opened: { source: ByteSource; limits: Limits } | undefined;
let stop = new AbortController();

const worker: PoolWorker = {
  ...packing(codecReady),
  use: (origin, limits) =>
    answered(async () => {
      opened = { source: await sourceOf(origin), limits };
      return null;
    }),
  check: (job, onProgress) => answered(() => check(job, new Tally(onProgress))),
  async stop() {
    stop.abort(new Cancelled("the work was cancelled"));
    stop = new AbortController();
  },
};

async function check(job: CheckJob, tally: Tally): Promise<CheckedShare[]> {
  const { signal } = stop;
  const { source, limits } = opened!;
  const found = await new Checker(source, { codec: await codecReady, limits, signal }, tally).check(job);
  tally.flush();
  return found;
}

Comlink.expose(worker);
