import type { UnderlyingSource } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { problemOf } from "./problem.ts";
import type { Task } from "./running.ts";

/** Nobody reads faster. */
const interval = 100;

/**
 * Answers with lines of JSON: `{"progress":…}` while the work goes on, then `{"result":…}` or `{"error":…}` as the last. A
 * refusal before the first progress is thrown, so that it gets its own status.
 */
export async function answerWithProgress<P, T>(
  work: (report: (progress: P) => void) => Promise<T>,
  task: Task,
  log: (error: unknown) => void,
): Promise<Response> {
  const latest = new Latest<P>();
  const result = work((progress) => latest.set(progress));
  await Promise.race([latest.changed(), result]);
  const last = result.then(
    (value) => ({ result: value }),
    (error) => {
      log(error);
      return { error: problemOf(error) };
    },
  );
  const body = new ReadableStream<Uint8Array>(lines(latest, last, task), { highWaterMark: 0 });
  return new Response(body, { headers: { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" } });
}

function lines<P>(latest: Latest<P>, last: Promise<object>, task: Task): UnderlyingSource<Uint8Array> {
  const encoder = new TextEncoder();
  const line = (value: object) => encoder.encode(`${JSON.stringify(value)}\n`);
  let ended: object | undefined;
  last.then((value) => (ended = value));
  return {
    async pull(controller) {
      await Promise.race([latest.changed(), last]);
      if (ended === undefined) {
        controller.enqueue(line({ progress: latest.take() }));
        await Promise.race([sleep(interval), last]);
        return;
      }
      controller.enqueue(line(ended));
      controller.close();
    },
    cancel: () => task.abort("the client went away"),
  };
}

/** Holds the newest value only: a slow reader misses steps and never holds up the work. */
class Latest<T> {
  #value: T | undefined;
  #change = Promise.withResolvers<void>();

  set(value: T): void {
    this.#value = value;
    this.#change.resolve();
  }

  changed(): Promise<void> {
    return this.#change.promise;
  }

  take(): T | undefined {
    this.#change = Promise.withResolvers<void>();
    return this.#value;
  }
}
