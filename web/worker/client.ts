import * as Comlink from "comlink";
import workerUrl from "./bundle-worker.ts?worker&url";
import type {
  Answer,
  BundleWorker,
  ExportRequest,
  Failure,
  FileContent,
  FileHashes,
  FilePage,
  Inspection,
  Naming,
  Packed,
  PackProgress,
  PackTarget,
  RemoteBundle,
  RowPage,
  TaskId,
  ThinBundle,
  VerificationReport,
  WorkProgress,
} from "./protocol.ts";
import { startWorker } from "./start-worker.ts";

/** A failure of the Worker, as an error again. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface CallOptions<P = WorkProgress> {
  signal?: AbortSignal;
  onProgress?: (progress: P) => void;
}

/**
 * The Worker as the page uses it: one open bundle at a time. Calls reject with `WorkerError`, and with `signal.reason` once aborted.
 * The engine is loaded with the first call, not with the page.
 */
export class BundleClient {
  #worker: Worker | undefined;
  #remote: Comlink.Remote<BundleWorker> | undefined;
  readonly #open = new Set<(error: Error) => void>();

  open(origin: File | Blob | RemoteBundle, options: CallOptions & Naming = {}): Promise<Inspection> {
    const { acceptNameMismatch = false } = options;
    return this.#run(options, (worker, task, progress) => worker.open(origin, { acceptNameMismatch }, task, progress));
  }

  verify(options: CallOptions = {}): Promise<VerificationReport> {
    return this.#run(options, (worker, task, progress) => worker.verify(task, progress));
  }

  rows(table: string, from: number, count: number, options: CallOptions = {}): Promise<RowPage> {
    return this.#run(options, (worker, task, progress) => worker.rows(table, from, count, task, progress));
  }

  files(from: number, count: number): Promise<FilePage> {
    return this.#run({}, (worker) => worker.files(from, count));
  }

  fileBlob(path: string, maxBytes: number, options: CallOptions = {}): Promise<FileContent> {
    return this.#run(options, (worker, task) => worker.fileBlob(path, maxBytes, task));
  }

  fileHashes(from: number, count: number): Promise<FileHashes> {
    return this.#run({}, (worker) => worker.fileHashes(from, count));
  }

  thin(omit: Uint32Array): Promise<ThinBundle> {
    return this.#run({}, (worker) => worker.thin(omit));
  }

  pack(request: ExportRequest, target: PackTarget, options: CallOptions<PackProgress> = {}): Promise<Packed> {
    return this.#run(options, (worker, task, progress) => worker.pack(request, target, task, progress));
  }

  async discard(name: string): Promise<void> {
    await this.#run({}, (worker) => worker.discard(name));
  }

  /** Ends all calls and removes what was kept for the open bundle. The next call starts anew. */
  async close(): Promise<void> {
    if (this.#remote !== undefined) await this.#remote.close();
    this.#end(new WorkerError(closed));
  }

  #connect(): Comlink.Remote<BundleWorker> {
    if (this.#remote !== undefined) return this.#remote;
    this.#worker = startWorker(workerUrl, "holdall-bundle");
    // A Worker that cannot be loaded answers nothing: without this every call would wait for ever.
    this.#worker.onerror = (event) => this.#end(new WorkerError(broken(event.message)));
    this.#remote = Comlink.wrap<BundleWorker>(this.#worker);
    return this.#remote;
  }

  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#remote = undefined;
    for (const reject of this.#open) reject(error);
    this.#open.clear();
  }

  async #run<T, P>(
    { signal, onProgress }: CallOptions<P>,
    call: (worker: Comlink.Remote<BundleWorker>, task: TaskId, progress?: (progress: P) => void) => Promise<Answer<T>>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const worker = this.#connect();
    const task = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    const cancel = () => void worker.cancel(task);
    signal?.addEventListener("abort", cancel);
    const broken = new Promise<never>((_, reject) => this.#open.add(reject));
    broken.catch(() => undefined);
    const reject = [...this.#open].at(-1)!;
    try {
      const progress = onProgress === undefined ? undefined : Comlink.proxy(onProgress);
      const answer = await Promise.race([call(worker, task, progress), broken]);
      if (answer.ok) return answer.value;
      if (answer.error.code === "CANCELLED") signal?.throwIfAborted();
      throw new WorkerError(answer.error);
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#open.delete(reject);
    }
  }
}

const closed: Failure = { code: "CANCELLED", message: "the bundle was closed", advice: "", details: {} };

function broken(message: string | undefined): Failure {
  return {
    code: "INTERNAL",
    message: `the page's Worker could not be loaded or broke down${message ? `: ${message}` : ""}`,
    advice: "reload the page; if that does not help, the server's headers may forbid Workers or WebAssembly",
    details: {},
  };
}
