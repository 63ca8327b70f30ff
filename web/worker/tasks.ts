import { answered, Cancelled } from "./failure.ts";
import type { Answer, TaskId } from "./protocol.ts";

/** What is under way, so that it can be cancelled: an AbortSignal does not cross from the page. */
export class Tasks {
  readonly #running = new Map<TaskId, AbortController>();

  async run<T>(task: TaskId, work: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
    const stop = new AbortController();
    this.#running.set(task, stop);
    try {
      return await answered(async () => {
        const value = await work(stop.signal);
        stop.signal.throwIfAborted();
        return value;
      });
    } finally {
      this.#running.delete(task);
    }
  }

  cancel(task: TaskId): void {
    this.#running.get(task)?.abort(new Cancelled("cancelled"));
  }

  cancelAll(): void {
    for (const stop of this.#running.values()) stop.abort(new Cancelled("the bundle was closed"));
  }
}
