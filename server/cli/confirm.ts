import { createInterface } from "node:readline";

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks on the terminal; anything but yes is no, and so is the end of the input. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  // `terminal: false` leaves Ctrl-C to the terminal, so that it reaches us as a signal like anywhere else.
  const lines = createInterface({ input: process.stdin, terminal: false });
  process.stderr.write(`${question} [y/N] `);
  try {
    const answer = await new Promise<string>((done, fail) => {
      signal.addEventListener("abort", () => fail(signal.reason), { once: true });
      lines.once("line", done);
      lines.once("close", () => done(""));
    });
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
    process.stdin.pause();
  }
}
