import type { FileHandle } from "node:fs/promises";

/** Sockets give 64 KB at a time; larger writes are fewer trips to the thread pool. */
const batchBytes = 2 * 1024 * 1024;

/** Writes a file in large steps, one of them under way while the next is gathered, without copying. */
export class GatheringWriter {
  readonly #file: FileHandle;
  #chunks: Uint8Array[] = [];
  #gathered = 0;
  /** Where the next step begins. */
  #position: number;
  #underWay: Promise<void> = Promise.resolve();

  constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#position = position;
  }

  /** Waits only where the step before is still under way. */
  async add(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#gathered += chunk.length;
    if (this.#gathered >= batchBytes) await this.#step();
  }

  /** @returns the position behind the last byte, all being written. */
  async flush(): Promise<number> {
    await this.#step();
    await this.#underWay;
    return this.#position;
  }

  async #step(): Promise<void> {
    await this.#underWay;
    if (this.#gathered === 0) return;
    const [chunks, at] = [this.#chunks, this.#position];
    this.#position += this.#gathered;
    this.#chunks = [];
    this.#gathered = 0;
    this.#underWay = this.#write(chunks, at);
    // Whoever comes next awaits it; until then it is not unhandled.
    this.#underWay.catch(() => {});
  }

  async #write(chunks: Uint8Array[], at: number): Promise<void> {
    const total = chunks.reduce((sum, { length }) => sum + length, 0);
    const { bytesWritten } = await this.#file.writev(chunks, at);
    if (bytesWritten === total) return;
    // A disk that is nearly full takes a part.
    const rest = Buffer.concat(chunks).subarray(bytesWritten);
    for (let done = 0; done < rest.length; ) {
      const step = await this.#file.write(rest, done, rest.length - done, at + bytesWritten + done);
      done += step.bytesWritten;
    }
  }
}
