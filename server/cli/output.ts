import type { Result } from "./command.ts";
import { type Paint, paintFor, wantsColor } from "./paint.ts";
import { Progress } from "./progress.ts";
import { safeText } from "./safe-text.ts";

export interface OutputOptions {
  json: boolean;
  quiet: boolean;
  noColor: boolean;
}

/** stdout is for results alone; remarks and progress go to stderr, where they never meet a pipe. */
export class Output {
  readonly progress: Progress;
  readonly json: boolean;
  readonly #quiet: boolean;
  /** Colours of stdout and of stderr. */
  readonly paint: Paint;
  readonly errorPaint: Paint;

  constructor({ json, quiet, noColor }: OutputOptions) {
    this.json = json;
    this.#quiet = quiet || json;
    this.paint = paintFor(wantsColor(process.stdout, noColor));
    this.errorPaint = paintFor(wantsColor(process.stderr, noColor));
    this.progress = new Progress(process.stderr, process.stderr.isTTY === true && !this.#quiet);
  }

  async result(result: Result): Promise<void> {
    const toStderr = result.toStderr === true;
    // Where stdout carries the bundle, `--quiet` means that nothing is said about it.
    if (toStderr && this.#quiet && !this.json) return;
    const text = this.json ? toJson(result.json) : result.text(toStderr ? this.errorPaint : this.paint);
    await this.#write(toStderr ? process.stderr : process.stdout, text);
  }

  /** A text that stands for itself: help, a version. */
  async text(text: string): Promise<void> {
    await this.#write(process.stdout, text);
  }

  /** A remark for a person who watches. */
  note(line: string): void {
    if (this.#quiet) return;
    this.progress.clear();
    process.stderr.write(`${safeText(line)}\n`);
  }

  /** Whole text, for what must be seen whatever the options: errors, and a plan that is asked about. */
  async error(text: string): Promise<void> {
    await this.#write(process.stderr, text);
  }

  async failure(value: { error: unknown }): Promise<void> {
    await this.#write(process.stdout, toJson(value));
  }

  async #write(stream: NodeJS.WriteStream, text: string): Promise<void> {
    this.progress.stop();
    if (text === "") return;
    await new Promise<void>((done, fail) => stream.write(`${text}\n`, (error) => (error ? fail(error) : done())));
  }
}

/** Indented for a person who looks, one line for a program. */
function toJson(value: unknown): string {
  return JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined);
}
