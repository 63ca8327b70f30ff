import type { OnProgress, WorkProgress } from "./protocol.ts";

const interval = 100;
/** Speed is that of the last seconds: what a long task did at its beginning says little of its end. */
const memory = 5_000;

/** Tells how far a task is, at most ten times a second. */
export class Speed {
  readonly #tell: OnProgress | undefined;
  readonly #marks: { time: number; bytes: number }[] = [];
  #last = 0;

  constructor(tell: OnProgress | undefined) {
    this.#tell = tell;
  }

  update(progress: Omit<WorkProgress, "bytesPerSecond" | "secondsLeft">): void {
    const now = performance.now();
    if (this.#tell === undefined || now - this.#last < interval) return;
    this.#last = now;
    const bytesPerSecond = this.mark(progress.bytesDone, now);
    const left = progress.bytesTotal - progress.bytesDone;
    this.#tell({ ...progress, bytesPerSecond, secondsLeft: bytesPerSecond > 0 ? left / bytesPerSecond : null });
  }

  mark(bytes: number, now = performance.now()): number {
    this.#marks.push({ time: now, bytes });
    while (this.#marks.length > 2 && now - this.#marks[0]!.time > memory) this.#marks.shift();
    const first = this.#marks[0]!;
    return now > first.time ? ((bytes - first.bytes) / (now - first.time)) * 1000 : 0;
  }
}
