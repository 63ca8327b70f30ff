/**
 * Starts work ahead of whoever consumes the results, and gives the results in order. The costs of what is under way add
 * up to `budget` at most (one piece of work is always allowed). Stopping early aborts the signal that work was given.
 */
export async function* inFlight<W, R>(
  work: Iterable<W>,
  budget: number,
  cost: (item: W) => number,
  start: (item: W, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const queue: { result: Promise<R>; cost: number }[] = [];
  let underWay = 0;
  try {
    for (const item of work) {
      const next = cost(item);
      while (queue.length > 0 && underWay + next > budget) {
        const first = queue.shift()!;
        yield await first.result;
        underWay -= first.cost;
      }
      signal?.throwIfAborted();
      const result = start(item, either);
      result.catch(() => undefined); // reported where it is awaited
      queue.push({ result, cost: next });
      underWay += next;
    }
    for (const { result } of queue.splice(0)) yield await result;
  } finally {
    stop.abort();
    await Promise.allSettled(queue.map(({ result }) => result));
  }
}
