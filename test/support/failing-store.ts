import { setTimeout as sleep } from "node:timers/promises";
import { collect } from "../../engine/bytes.ts";
import { BackupError } from "../../engine/errors.ts";
import type { BlobInfo, BlobStore, NewBlob, OpenBlob } from "../../server/blobs/blob-store.ts";

export type StoreCall = "stat" | "open" | "create" | "remove";

/** What goes wrong; every member may be changed while the store is in use. */
export interface Faults {
  /** Whether this call fails: `number` counts the calls of its kind from 1. */
  fail?: (call: StoreCall, key: string, number: number) => boolean;
  /** Whether the object is gone, although its row is there. */
  missing?: (key: string) => boolean;
  /** The same as `fail`, after the call has done its work: its answer gets lost. */
  loseAnswer?: (call: StoreCall, key: string, number: number) => boolean;
  /** Bytes after which a body that is read breaks off with an error. `open` counts the times the key was opened. */
  breakOff?: (key: string, open: number) => number | undefined;
  /** Bytes after which a body that is read simply ends. */
  truncate?: (key: string) => number | undefined;
  /** Whether the bytes of a body are changed on their way in or out. */
  corrupt?: (call: "open" | "create", key: string) => boolean;
  /** Whether a create is like a request that is on its way already: it has its whole body, and no abort reaches it. */
  deaf?: boolean;
  /** Awaited before a call: milliseconds, or until something has happened. */
  slow?: (call: StoreCall, key: string, number: number) => number | Promise<unknown> | undefined;
}

export interface FailingStore extends BlobStore {
  faults: Faults;
  /** Calls so far, by kind. */
  calls: Record<StoreCall, number>;
}

/** A real store whose calls fail as `faults` says. */
export function failingStore(inner: BlobStore, faults: Faults = {}): FailingStore {
  return new Failing(inner, faults);
}

class Failing implements FailingStore {
  faults: Faults;
  readonly calls = { stat: 0, open: 0, create: 0, remove: 0 };
  readonly description: string;
  readonly #inner: BlobStore;
  readonly #opened = new Map<string, number>();

  constructor(inner: BlobStore, faults: Faults) {
    this.#inner = inner;
    this.description = inner.description;
    this.faults = faults;
  }

  stat(key: string, signal?: AbortSignal): Promise<BlobInfo | null> {
    return this.#call("stat", key, signal, () => this.#inner.stat(key, signal));
  }

  open(key: string, options: { offset?: number; signal?: AbortSignal } = {}): Promise<OpenBlob> {
    return this.#call("open", key, options.signal, async () => {
      const times = (this.#opened.get(key) ?? 0) + 1;
      this.#opened.set(key, times);
      if (this.faults.missing?.(key)) throw new BackupError("IO_STORE_MISSING", "it is gone by order of a test", { key });
      const { size, body } = await this.#inner.open(key, options);
      return { size, body: this.#body(key, times, options.offset ?? 0, body) };
    });
  }

  create(key: string, body: AsyncIterable<Uint8Array>, expected: NewBlob): Promise<"created" | "exists"> {
    if (this.faults.deaf) return this.#createDeaf(key, body, expected);
    return this.#call("create", key, expected.signal, () => {
      const given = this.faults.corrupt?.("create", key) ? flipped(body) : body;
      return this.#inner.create(key, given, expected);
    });
  }

  async #createDeaf(key: string, body: AsyncIterable<Uint8Array>, { signal: _, ...expected }: NewBlob) {
    const bytes = await collect(body);
    const again = (async function* () {
      yield bytes;
    })();
    return this.#call("create", key, undefined, () => this.#inner.create(key, again, expected));
  }

  remove(key: string, signal?: AbortSignal): Promise<void> {
    return this.#call("remove", key, signal, () => this.#inner.remove(key, signal));
  }

  list(prefix?: string, signal?: AbortSignal): AsyncIterable<BlobInfo> {
    return this.#inner.list(prefix, signal);
  }

  async #call<T>(call: StoreCall, key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const number = ++this.calls[call];
    const pause = this.faults.slow?.(call, key, number);
    if (typeof pause === "number") await sleep(pause, undefined, signal === undefined ? {} : { signal });
    else await pause;
    if (this.faults.fail?.(call, key, number)) throw broken(`${call} ${number}`, key);
    const result = await work();
    if (this.faults.loseAnswer?.(call, key, number)) throw broken(`the answer to ${call} ${number}`, key);
    return result;
  }

  async *#body(key: string, times: number, offset: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const breakOff = this.faults.breakOff?.(key, times);
    const end = this.faults.truncate?.(key) ?? Number.POSITIVE_INFINITY;
    let [at, sent] = [offset, 0];
    const source = this.faults.corrupt?.("open", key) ? flipped(body) : body;
    for await (const chunk of source) {
      const room = Math.min(chunk.length, Math.max(0, end - at), breakOff === undefined ? chunk.length : breakOff - sent);
      if (room > 0) yield chunk.subarray(0, room);
      at += room;
      sent += room;
      if (sent === breakOff) throw broken(`reading beyond byte ${at}`, key);
      if (at === end) return;
    }
  }
}

function broken(what: string, key: string): BackupError {
  return new BackupError("IO_STORE_UNAVAILABLE", `${what} failed by order of a test`, { key });
}

async function* flipped(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const changed = Uint8Array.from(chunk);
    changed[0]! ^= 0xff;
    yield changed;
  }
}
