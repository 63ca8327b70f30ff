import { type FileHandle, open } from "node:fs/promises";

/**
 * The numbers of a table's rows that have one code, ascending, as runs: 8 bytes for each, the first row and how many rows
 * stand before it in the list. Rows with one outcome mostly follow each other.
 */
const recordBytes = 8;
const blockRecords = 8192;

export class RunWriter {
  readonly #path: string;
  #file: FileHandle | undefined;
  #records = new Uint32Array(2 * blockRecords);
  #used = 0;
  total = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Rows `first` to `last`, behind all that were added before. */
  async add(first: number, last: number): Promise<void> {
    this.#records[this.#used++] = first;
    this.#records[this.#used++] = this.total;
    this.total += last - first + 1;
    if (this.#used === this.#records.length) await this.#flush();
  }

  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file?.close();
    }
  }

  async #flush(): Promise<void> {
    if (this.#used === 0) return;
    this.#file ??= await open(this.#path, "wx", 0o600);
    const bytes = new Uint8Array(this.#records.buffer, 0, this.#used * 4);
    for (let done = 0; done < bytes.length; ) done += (await this.#file.write(bytes, done)).bytesWritten;
    this.#used = 0;
  }
}

/** Finds rows in such a file by reading the few blocks that a search meets. */
export class RunReader {
  readonly #file: FileHandle | null;
  readonly #runs: number;
  readonly #total: number;
  readonly #blocks = new Map<number, Uint32Array>();

  private constructor(file: FileHandle | null, bytes: number, total: number) {
    this.#file = file;
    this.#runs = bytes / recordBytes;
    this.#total = total;
  }

  /** `total` is the number of rows; a code that no row has needs no file. */
  static async open(path: string, total: number): Promise<RunReader> {
    if (total === 0) return new RunReader(null, 0, 0);
    const file = await open(path, "r");
    return new RunReader(file, (await file.stat()).size, total);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** The numbers of up to `count` rows from place `from` on. */
  async rows(from: number, count: number): Promise<number[]> {
    const rows: number[] = [];
    const end = Math.min(from + count, this.#total);
    if (from >= end) return rows;
    for (let run = await this.#search(from, 1); run < this.#runs && from + rows.length < end; run++) {
      const [first, before] = await this.#run(run);
      const behind = run + 1 < this.#runs ? (await this.#run(run + 1))[1] : this.#total;
      for (let place = from + rows.length; place < Math.min(behind, end); place++) rows.push(first + place - before);
    }
    return rows;
  }

  /** All of them as runs, first and last row, some at a time. */
  async *runs(): AsyncGenerator<[first: number, last: number][]> {
    for (let run = 0; run < this.#runs; ) {
      const part: [number, number][] = [];
      for (; run < this.#runs && part.length < 1000; run++) {
        const [first, before] = await this.#run(run);
        const behind = run + 1 < this.#runs ? (await this.#run(run + 1))[1] : this.#total;
        part.push([first, first + behind - before - 1]);
      }
      yield part;
    }
  }

  /** The place of a row in the list, or -1. */
  async placeOf(row: number): Promise<number> {
    if (this.#runs === 0) return -1;
    const run = await this.#search(row, 0);
    const [first, before] = await this.#run(run);
    const behind = run + 1 < this.#runs ? (await this.#run(run + 1))[1] : this.#total;
    return row >= first && row < first + behind - before ? before + row - first : -1;
  }

  /** The last run whose first row (`field` 0) or place (`field` 1) is not behind `value`; else the first. */
  async #search(value: number, field: 0 | 1): Promise<number> {
    let [low, high] = [0, this.#runs - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((await this.#run(middle))[field] <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #run(run: number): Promise<[first: number, before: number]> {
    const number = Math.floor(run / blockRecords);
    let block = this.#blocks.get(number);
    if (block === undefined) {
      block = new Uint32Array(2 * blockRecords);
      await this.#file!.read(new Uint8Array(block.buffer), 0, block.byteLength, number * block.byteLength);
      this.#blocks.set(number, block);
    }
    const at = 2 * (run % blockRecords);
    return [block[at]!, block[at + 1]!];
  }
}
