import { rmSync } from "node:fs";

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Ending = keyof typeof numbers;

/** Reason of the abort when somebody ends the process. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** As a shell reports a process that the signal ended. */
  readonly exitCode: number;

  constructor(signal: Ending) {
    super(signal === "SIGINT" ? "interrupted" : `ended by ${signal}`);
    this.exitCode = 128 + numbers[signal];
  }
}

/** A terminal sends Ctrl-C to the launcher as well, which passes it on: the same key arrives twice. */
const echo = 150;

/**
 * The first Ctrl-C asks every part to tidy up and end; a second one ends the process at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const signal of Object.keys(numbers) as Ending[]) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        first = performance.now();
        controller.abort(new Interrupted(signal));
      } else if (performance.now() - first > echo) process.exit(128 + numbers[signal]);
    });
  }
  return controller.signal;
}

const leftovers = new Set<string>();

/** Files and folders that must not outlive the process, even when it ends in the middle. */
export const temporaryFiles = {
  add(path: string): void {
    if (leftovers.size === 0) process.once("exit", removeLeftovers);
    leftovers.add(path);
  },
  forget(path: string): void {
    leftovers.delete(path);
  },
};

function removeLeftovers(): void {
  for (const path of leftovers) rmSync(path, { recursive: true, force: true });
}
