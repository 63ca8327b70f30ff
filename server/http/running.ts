/** One export, preview or import while it runs. */
export interface Task {
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  abort(why: string): void;
  /** From here on the work is brought to its end, whoever goes away. */
  shield(): void;
  end(): void;
}

/** What a server that stops has to end or to wait for. */
export class Running {
  readonly #tasks = new Map<Task, Promise<void>>();
  #imports = 0;
  #stopping = false;

  /** @throws AbortError when the server is stopping. */
  begin(client: AbortSignal): Task {
    if (this.#stopping) throw stopped("the server is stopping");
    const controller = new AbortController();
    const ended = Promise.withResolvers<void>();
    let shielded = false;
    const onGone = () => task.abort("the client went away");
    const task: Task = {
      signal: controller.signal,
      abort: (why) => {
        if (!shielded) controller.abort(stopped(why));
      },
      shield: () => {
        shielded = true;
      },
      end: () => {
        client.removeEventListener("abort", onGone);
        this.#tasks.delete(task);
        ended.resolve();
      },
    };
    this.#tasks.set(task, ended.promise);
    if (client.aborted) onGone();
    else client.addEventListener("abort", onGone, { once: true });
    return task;
  }

  /** Lets one import in at a time, so that a second is refused before its upload; the lock in the database decides all the same. */
  enterImport(): (() => void) | null {
    if (this.#imports > 0) return null;
    this.#imports++;
    return () => void this.#imports--;
  }

  /** Ends everything that may be ended and waits for the rest. */
  async close(): Promise<void> {
    this.#stopping = true;
    const ends = [...this.#tasks.values()];
    for (const task of this.#tasks.keys()) task.abort("the server is stopping");
    await Promise.all(ends);
  }
}

function stopped(why: string): DOMException {
  return new DOMException(why, "AbortError");
}
