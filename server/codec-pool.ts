import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { isBlock } from "../engine/block-pool.ts";
import type { Answer, Task, TaskResult } from "./codec-task.ts";
import { bytesPassed } from "./external-memory.ts";
import { giveMemory, isMemory } from "./read-memory.ts";

const mostThreads = 4;

/** One thread and the tasks it has not answered yet. */
export class CodecThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (result: TaskResult) => void; reject: (error: Error) => void }>();
  #nextId = 0;
  /** Checks that are open on this thread. */
  checks = 0;

  constructor() {
    // Young generations stay small: the bytes live outside the heap.
    this.#worker = new Worker(new URL("./codec-thread.js", import.meta.url), {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on("error", (error: Error) => this.#fail(error));
    this.#worker.unref();
  }

  get load(): number {
    return this.#waiting.size + this.checks;
  }

  /** The task's result. `bytes` of the task, when given, are detached. */
  run(task: Task): Promise<TaskResult> {
    const id = this.#nextId++;
    if ("bytes" in task && !isReused(task.bytes)) bytesPassed(task.bytes.length);
    const transfer = "bytes" in task && isTransferable(task.bytes) ? [task.bytes.buffer as ArrayBuffer] : [];
    if (this.#waiting.size === 0) this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, task }, transfer);
    });
  }

  #settle(answer: Answer): void {
    const { resolve, reject } = this.#waiting.get(answer.id)!;
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ("failure" in answer) reject(new Error(answer.failure));
    else {
      if (answer.memory !== undefined) giveMemory(answer.memory);
      resolve(answer.result);
    }
  }

  #fail(error: Error): void {
    threads.splice(threads.indexOf(this), 1);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** Another view of a part of a buffer is copied: others may use the rest, as with Node's own pool of small buffers. */
function isTransferable(bytes: Uint8Array): boolean {
  return isReused(bytes) || bytes.byteLength === bytes.buffer.byteLength;
}

function isReused(bytes: Uint8Array): boolean {
  return isBlock(bytes) || isMemory(bytes);
}

const threads: CodecThread[] = [];

const mostUseful = () => Math.min(availableParallelism(), mostThreads);

/** Starts the threads while something else is done first: starting takes as long as verifying 20 MB. */
export function startThreads(): void {
  while (threads.length < mostUseful()) threads.push(new CodecThread());
}

/** The thread with the least to do; threads are started as they are needed and never keep the process alive. */
export function leastLoaded(): CodecThread {
  const idle = threads.find((thread) => thread.load === 0);
  if (idle !== undefined) return idle;
  if (threads.length < mostUseful()) {
    const thread = new CodecThread();
    threads.push(thread);
    return thread;
  }
  return threads.reduce((least, thread) => (thread.load < least.load ? thread : least));
}
