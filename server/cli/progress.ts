import type { WriteStream } from "node:tty";
import { type ProgressState, progressLine, Rate } from "./progress-line.ts";

const redrawEvery = 100;
/** Where nothing is reported for a while (PostgreSQL is busy with one statement), the time that passes shows that it lives. */
const tick = 500;

/** One line on a terminal, redrawn at most ten times a second and gone before anything else is printed. */
export class Progress {
  readonly #stream: Partial<WriteStream> & NodeJS.WritableStream;
  /** Whether anybody sees it: what only it needs can be saved otherwise. */
  readonly enabled: boolean;
  #state: ProgressState | undefined;
  #rate = new Rate();
  #drawnAt = 0;
  #shown = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: Partial<WriteStream> & NodeJS.WritableStream, enabled: boolean) {
    this.#stream = stream;
    this.enabled = enabled;
  }

  update(state: ProgressState): void {
    if (!this.enabled) return;
    if (state.phase !== this.#state?.phase) this.#rate = new Rate();
    this.#state = state;
    this.#rate.add(performance.now(), state.bytes ?? state.rows ?? 0);
    this.#timer ??= setInterval(() => this.#draw(), tick).unref();
    this.#draw();
  }

  /** Wipes the line; the next report draws it anew. */
  clear(): void {
    if (!this.#shown) return;
    this.#stream.write("\r\x1b[K");
    this.#shown = false;
    this.#drawnAt = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.clear();
    this.#state = undefined;
  }

  #draw(): void {
    const now = performance.now();
    if (this.#state === undefined || now - this.#drawnAt < redrawEvery) return;
    this.#drawnAt = now;
    this.#shown = true;
    // The last column stays free: some terminals wrap when it is written.
    const line = progressLine(this.#state, this.#rate, now, (this.#stream.columns || 80) - 1);
    this.#stream.write(`\r${line}\x1b[K`);
  }
}
