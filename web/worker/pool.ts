import * as Comlink from "comlink";
import type { Limits } from "../../engine/limits.ts";
import { unwrapped } from "./failure.ts";
import type { CheckedShare, CheckJob, Origin, PoolWorker } from "./pool-protocol.ts";
import workerUrl from "./pool-worker.ts?worker&url";
import { startWorker } from "./start-worker.ts";

/** More Workers than this read no faster and cost memory. */
const mostWorkers = 4;
/** A run's bytes are read ahead of the work; over a network another run's come in meanwhile. */
const jobsEach = { blob: 1, network: 2 };

function workerCount(): number {
  return Math.min(mostWorkers, Math.max(1, navigator.hardwareConcurrency || 1));
}

/** Workers without a bundle, to pack and to hash. */
export function startHelpers(): { remotes: Comlink.Remote<PoolWorker>[]; end(): void } {
  const workers = Array.from({ length: workerCount() }, (_, i) => startWorker(workerUrl, `holdall-pack-${i}`));
  return {
    remotes: workers.map((worker) => Comlink.wrap<PoolWorker>(worker)),
    end: () => {
      for (const worker of workers) worker.terminate();
    },
  };
}

export type OnShare = (path: string, bytes: number, rows: number) => void;

/** Workers over one bundle, among which jobs are shared out. */
export class Pool {
  readonly #workers: { worker: Worker; remote: Comlink.Remote<PoolWorker> }[] = [];
  /** Fails when a Worker cannot be loaded or breaks down: such a one never answers. */
  readonly #broken: Promise<never>;
  #break: (error: Error) => void = () => {};

  readonly #jobsEach: number;

  private constructor(origin: Origin) {
    this.#jobsEach = origin instanceof Blob ? jobsEach.blob : jobsEach.network;
    this.#broken = new Promise((_, reject) => (this.#break = reject));
    this.#broken.catch(() => undefined); // reported by what waits for an answer
  }

  /** Starts the Workers; they open the bundle for themselves. */
  static async start(origin: Origin, limits: Limits): Promise<Pool> {
    const pool = new Pool(origin);
    for (let i = 0; i < workerCount(); i++) pool.#add(i);
    try {
      const used = pool.#workers.map(async ({ remote }) => unwrapped(await remote.use(origin, limits)));
      await Promise.race([Promise.all(used), pool.#broken]);
    } catch (error) {
      pool.end();
      throw error;
    }
    return pool;
  }

  /** How many jobs are worked on at once. */
  get size(): number {
    return this.#workers.length * this.#jobsEach;
  }

  #add(number: number): void {
    const worker = startWorker(workerUrl, `holdall-pool-${number}`);
    worker.onerror = (event) => this.#break(new Error(`a Worker of the page broke down: ${event.message}`));
    this.#workers.push({ worker, remote: Comlink.wrap<PoolWorker>(worker) });
  }

  /** Runs the jobs in order, several at once, and gives what they found as it comes. Stopping early ends those under way. */
  async *run(jobs: readonly CheckJob[], onShare: OnShare, signal?: AbortSignal): AsyncGenerator<[CheckJob, CheckedShare[]]> {
    const report = Comlink.proxy(onShare);
    const waiting = [...jobs].reverse();
    const done: [CheckJob, CheckedShare[]][] = [];
    let failure: { reason: unknown } | undefined;
    let wake = () => {};
    const fail = (reason: unknown) => {
      failure ??= { reason };
      wake();
    };
    this.#broken.catch(fail);
    const onAbort = () => fail(signal!.reason);
    signal?.addEventListener("abort", onAbort);
    const lane = async (remote: Comlink.Remote<PoolWorker>) => {
      for (let job = waiting.pop(); job !== undefined && failure === undefined; job = waiting.pop()) {
        done.push([job, unwrapped(await remote.check(job, report))]);
        wake();
      }
    };
    const lanes = this.#workers.flatMap(({ remote }) => Array.from({ length: this.#jobsEach }, () => lane(remote)));
    let running = true;
    Promise.all(lanes).then(
      () => {
        running = false;
        wake();
      },
      (reason) => fail(reason),
    );
    try {
      signal?.throwIfAborted();
      for (;;) {
        yield* done.splice(0);
        if (failure !== undefined) throw failure.reason;
        if (!running && done.length === 0) return;
        if (done.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      waiting.length = 0;
      if (running) {
        failure ??= { reason: undefined };
        for (const { remote } of this.#workers) void remote.stop();
      }
    }
  }

  end(): void {
    for (const { worker } of this.#workers) worker.terminate();
    this.#workers.length = 0;
  }
}
