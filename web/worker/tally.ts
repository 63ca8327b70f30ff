/** A message to another Worker costs both sides more than the work it tells of. */
const interval = 50;

/** Gathers what has been done and tells it now and then. */
export class Tally {
  readonly #tell: (path: string, bytes: number, rows: number) => void;
  #path = "";
  #bytes = 0;
  #rows = 0;
  #last = 0;

  constructor(tell: (path: string, bytes: number, rows: number) => void) {
    this.#tell = tell;
  }

  add(path: string, bytes: number, rows: number): void {
    this.#path = path;
    this.#bytes += bytes;
    this.#rows += rows;
    const now = performance.now();
    if (now - this.#last < interval) return;
    this.#last = now;
    this.flush();
  }

  flush(): void {
    if (this.#bytes > 0 || this.#rows > 0) this.#tell(this.#path, this.#bytes, this.#rows);
    this.#bytes = 0;
    this.#rows = 0;
  }
}
