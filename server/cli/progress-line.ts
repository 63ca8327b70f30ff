import { bytes, count, duration, plural } from "./numbers.ts";
import { safeText } from "./safe-text.ts";

export interface ProgressState {
  /** What is done: `export`, `verify`. */
  phase: string;
  /** What it is done to: a table. */
  item?: string | undefined;
  rows?: number | undefined;
  files?: number | undefined;
  bytes?: number | undefined;
  /** Done, from 0 to 1, where a total is known. */
  fraction?: number | undefined;
}

/** How long a phase has run, and how fast it was in the last seconds. */
export class Rate {
  readonly #began = performance.now();
  readonly #samples: { at: number; amount: number }[] = [];

  add(at: number, amount: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < 200) return;
    this.#samples.push({ at, amount });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > 5000) this.#samples.shift();
  }

  /** Per second; `undefined` until there is something to measure. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.at - first.at < 500) return undefined;
    return ((last.amount - first.amount) * 1000) / (last.at - first.at);
  }

  elapsed(now: number): number {
    return now - this.#began;
  }
}

const barWidth = 20;

/** One line of at most `width` columns: where not everything has room, the bar goes first and then the number of rows. */
export function progressLine(state: ProgressState, rate: Rate, now: number, width: number): string {
  const speed = pace(state, rate, now);
  const { rows: _, ...withoutRows } = state;
  const choices = [line(state, speed, true), line(state, speed, false), line(withoutRows, speed, false)];
  const fitting = choices.find((text) => text.length <= width) ?? choices.at(-1)!;
  return Array.from(fitting).slice(0, Math.max(0, width)).join("");
}

function line(state: ProgressState, speed: readonly string[], bar: boolean): string {
  const parts = [state.phase];
  if (state.item !== undefined) parts.push(safeText(state.item));
  if (state.fraction !== undefined) parts.push(share(state.fraction, bar));
  if (state.rows) parts.push(plural(state.rows, "row"));
  if (state.files) parts.push(plural(state.files, "file"));
  if (state.bytes) parts.push(bytes(state.bytes));
  return [...parts, ...speed].join("  ");
}

function share(fraction: number, bar: boolean): string {
  const known = Math.min(1, Math.max(0, fraction));
  const percent = `${String(Math.floor(known * 100)).padStart(3)} %`;
  if (!bar) return percent.trimStart();
  const full = Math.round(known * barWidth);
  return `[${"=".repeat(full)}${full < barWidth ? ">" : ""}${" ".repeat(Math.max(0, barWidth - full - 1))}]${percent}`;
}

function pace(state: ProgressState, rate: Rate, now: number): string[] {
  const passed = rate.elapsed(now);
  const { perSecond } = rate;
  const speed: string[] = [];
  if (perSecond && state.bytes) speed.push(`${bytes(Math.round(perSecond))}/s`);
  else if (perSecond && state.rows) speed.push(`${count(Math.round(perSecond))} rows/s`);
  const { fraction } = state;
  // The first moments say nothing about the rest.
  if (fraction !== undefined && fraction > 0.01 && fraction < 1 && passed > 1000) {
    return [...speed, `${duration((passed * (1 - fraction)) / fraction)} left`];
  }
  return fraction === undefined && passed > 2000 ? [...speed, duration(passed)] : speed;
}
