import type { ByteSource } from "../byte-source.ts";
import { viewOf } from "./records.ts";

/** Bytes of the source from `offset` on, and a view of the same. */
export interface Window {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Whether the bytes are somebody else's. */
  readonly held: boolean;
}

/**
 * Access to small records of a source by windows: one window over many records that lie together, or several read at the
 * same time where records are far apart. The windows bound the memory.
 */
export class WindowReader {
  readonly #source: ByteSource;
  readonly #end: number;
  readonly #windowLength: number;
  readonly #signal: AbortSignal | undefined;
  #windows: Window[] = [];

  /** Reads nothing at or beyond `end`. */
  constructor(source: ByteSource, end: number, windowLength: number, signal?: AbortSignal) {
    this.#source = source;
    this.#end = end;
    this.#windowLength = windowLength;
    this.#signal = signal;
  }

  /** Whether `length` bytes at `offset` are in a window already. */
  has(offset: number, length: number): boolean {
    return this.window(offset, length) !== undefined;
  }

  /** `length` bytes at `offset`, valid until the windows move; only after `has` said so. */
  at(offset: number, length: number): Uint8Array {
    const window = this.window(offset, length)!;
    return window.bytes.subarray(offset - window.offset, offset - window.offset + length);
  }

  /** The window that holds `length` bytes at `offset`, if one does. */
  window(offset: number, length: number): Window | undefined {
    // Not `find`: every record of an archive passes here.
    for (const window of this.#windows)
      if (offset >= window.offset && offset + length <= window.offset + window.bytes.length) return window;
    return undefined;
  }

  /** Takes bytes that have been read, from `offset` on, for a window in place of all others; they stay their owner's. */
  hold(offset: number, bytes: Uint8Array): void {
    this.#drop();
    this.#windows = [{ offset, bytes, view: viewOf(bytes), held: true }];
  }

  /** Opens a window at `offset` in place of all others: at least `length` bytes, more where windows are longer. */
  async fill(offset: number, length: number): Promise<void> {
    this.#drop();
    this.#windows = [await this.#read(offset, length)];
  }

  /** Opens windows at all `offsets` in place of the others, by reads that run at the same time. */
  async fillAll(offsets: readonly number[]): Promise<void> {
    this.#drop();
    this.#windows = await Promise.all(offsets.map((offset) => this.#read(offset, 0)));
  }

  #drop(): void {
    for (const { bytes, held } of this.#windows.splice(0)) if (!held) this.#source.release?.(bytes);
  }

  async #read(offset: number, length: number): Promise<Window> {
    const wanted = Math.max(length, Math.min(this.#windowLength, this.#end - offset));
    const bytes = await this.#source.read(offset, wanted, this.#signal);
    return { offset, bytes, view: viewOf(bytes), held: false };
  }
}
