import { type FileHandle, open, writeFile } from "node:fs/promises";

/** One offset is kept for so many lines: a place is found at once, and the index stays small. */
const stride = 64;
const flushBytes = 256 * 1024;
const readBytes = 64 * 1024;
const newline = 0x0a;

/** Writes lines that can later be read from any one on. Memory: the buffer, and 8 bytes for every 64 lines. */
export class LineWriter {
  readonly #path: string;
  #file: FileHandle | undefined;
  #buffer = new Uint8Array(flushBytes);
  #used = 0;
  #written = 0;
  #lines = 0;
  readonly #offsets: number[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds to the current line; the bytes hold no line break. */
  add(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#room(end - start);
    // Most pieces are short, and for those a loop beats a view.
    if (end - start < 64) for (let p = start; p < end; p++) this.#buffer[this.#used++] = bytes[p]!;
    else {
      this.#buffer.set(bytes.subarray(start, end), this.#used);
      this.#used += end - start;
    }
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#used++] = value;
  }

  /** Ends the current line; `begin` must have been called before its first byte. */
  endLine(): void {
    this.byte(newline);
    this.#lines++;
  }

  begin(): void {
    if (this.#lines % stride === 0) this.#offsets.push(this.#written + this.#used);
  }

  /** Writes what has gathered, where it is enough to be worth it. */
  async flush(least = flushBytes / 2): Promise<void> {
    if (this.#used < least) return;
    this.#file ??= await open(this.#path, "wx", 0o600);
    for (let done = 0; done < this.#used; ) {
      done += (await this.#file.write(this.#buffer, done, this.#used - done)).bytesWritten;
    }
    this.#written += this.#used;
    this.#used = 0;
  }

  async close(): Promise<void> {
    try {
      await this.flush(1);
    } finally {
      await this.#file?.close();
      this.#file = undefined;
    }
    if (this.#lines > 0) await writeFile(offsetsOf(this.#path), Float64Array.from(this.#offsets), { mode: 0o600 });
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#used + bytes, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }
}

/** Up to `count` lines from line `from` (0-based) on. */
export async function readLines(path: string, from: number, count: number): Promise<string[]> {
  const lines: string[] = [];
  if (count <= 0) return lines;
  const start = await offsetOf(path, Math.floor(from / stride));
  if (start === null) return lines;
  const file = await open(path, "r");
  try {
    return await linesFrom(file, start, from % stride, count);
  } finally {
    await file.close();
  }
}

/** Lines end at a line feed alone: JSON text may hold the other characters that some take for one. */
async function linesFrom(file: FileHandle, start: number, skip: number, count: number): Promise<string[]> {
  const lines: Buffer[] = [];
  let [rest, at] = [Buffer.alloc(0), start];
  while (lines.length < skip + count) {
    const chunk = Buffer.alloc(readBytes);
    const { bytesRead } = await file.read(chunk, 0, readBytes, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let begin = 0;
    for (let end = rest.indexOf(newline); end !== -1 && lines.length < skip + count; end = rest.indexOf(newline, begin)) {
      lines.push(rest.subarray(begin, end));
      begin = end + 1;
    }
    rest = rest.subarray(begin);
  }
  return lines.slice(skip).map((line) => line.toString("utf8"));
}

/** Where the lines of a stride begin; `null` behind the end, or where there are no lines. */
async function offsetOf(path: string, place: number): Promise<number | null> {
  const file = await open(offsetsOf(path), "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const offset = new Float64Array(1);
    const { bytesRead } = await file.read(new Uint8Array(offset.buffer), 0, 8, place * 8);
    return bytesRead === 8 ? offset[0]! : null;
  } finally {
    await file.close();
  }
}

function offsetsOf(path: string): string {
  return `${path}.offsets`;
}
