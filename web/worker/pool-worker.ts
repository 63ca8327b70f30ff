import * as Comlink from "comlink";
import { scannedBlobSource } from "../../engine/blob-source.ts";
import type { ByteSource } from "../../engine/byte-source.ts";
import { checkTableEntry, contentFailure } from "../../engine/check-entries.ts";
import type { Codec } from "../../engine/codec.ts";
import { ContentHash, release } from "../../engine/codec-each.ts";
import { createWebCodec } from "../../engine/codec-web.ts";
import type { ContainerEntry } from "../../engine/container.ts";
import type { Limits } from "../../engine/limits.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import { readNdjsonEntry } from "../../engine/ndjson/read-ndjson.ts";
import type { DirectoryContext } from "../../engine/zip/central-directory.ts";
import { checkLargeStretch, checkStretches, checkStretchRecords } from "../../engine/zip/check-stretches.ts";
import { readStretch } from "../../engine/zip/list-zip.ts";
import { answered, Cancelled } from "./failure.ts";
import { sourceOf } from "./origin.ts";
import { packing } from "./packing.ts";
import type { CheckedShare, CheckJob, PoolWorker, TableJob } from "./pool-protocol.ts";

type Report = Parameters<PoolWorker["check"]>[1];

/** Not awaited up here: a message that comes while a module awaits is lost. */
const codecReady = createWebCodec();
let opened: { source: ByteSource; limits: Limits } | undefined;
let stop = new AbortController();

const worker: PoolWorker = {
  ...packing(codecReady),
  use: (origin, limits) =>
    answered(async () => {
      opened = { source: origin instanceof Blob ? scannedBlobSource(origin) : await sourceOf(origin), limits };
      return null;
    }),
  check: (job, onProgress) => answered(async () => new Checker(await codecReady, onProgress).check(job)),
  async stop() {
    stop.abort(new Cancelled("the work was cancelled"));
    stop = new AbortController();
  },
};

/** Does one job. */
class Checker {
  readonly #codec: Codec;
  readonly #report: Report;
  readonly #source: ByteSource;
  readonly #context: DirectoryContext;

  constructor(codec: Codec, report: Report) {
    this.#codec = codec;
    this.#report = report;
    this.#source = opened!.source;
    this.#context = { codec, limits: opened!.limits, signal: stop.signal };
  }

  async check(job: CheckJob): Promise<CheckedShare[]> {
    switch (job.kind) {
      case "stretches":
        return this.#reported(job.entries, await checkStretches(this.#source, job.entries, this.#context));
      case "large":
        return [await checkLargeStretch(this.#watched(job.entries[0]), job.entries[0], this.#context)];
      case "records":
        return Promise.all(job.entries.map((entry) => checkStretchRecords(this.#source, entry, this.#context)));
      case "lines":
        return this.#lines(job.entries);
      case "table":
        return [await this.#table(job)];
    }
  }

  #reported(entries: readonly ContainerEntry[], found: CheckedShare[]): CheckedShare[] {
    this.#report(
      entries[0]!.path,
      entries.reduce((sum, entry) => sum + entry.size, 0),
      0,
    );
    return found;
  }

  /** The source, telling how far the reading of one large entry is: its uncompressed bytes, were they spread evenly. */
  #watched({ path, size, storedSize }: ContainerEntry): ByteSource {
    const source = this.#source;
    let read = 0;
    let told = 0;
    const tell = (bytes: number) => {
      read += bytes;
      const now = Math.min(size, Math.round((read / storedSize) * size));
      this.#report(path, now - told, 0);
      told = now;
    };
    async function* watched(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces) {
        tell(piece.length);
        yield piece;
      }
    }
    const { stream } = source;
    return {
      size: source.size,
      async read(offset, length, signal) {
        const bytes = await source.read(offset, length, signal);
        tell(bytes.length);
        return bytes;
      },
      ...(stream && { stream: (...range: Parameters<typeof stream>) => watched(stream.apply(source, range)) }),
    };
  }

  async #lines(entries: readonly NdjsonEntry[]): Promise<CheckedShare[]> {
    const found: CheckedShare[] = [];
    for (const entry of entries) found.push(await this.#line(entry));
    return found;
  }

  async #line(entry: NdjsonEntry): Promise<CheckedShare> {
    const hash = await ContentHash.create(entry.size, this.#codec);
    try {
      for await (const piece of this.#open(entry)) {
        hash.update(piece);
        this.#report(entry.path, piece.length, 0);
      }
    } catch (error) {
      return { failure: contentFailure(error) };
    }
    return { sha256: await hash.digest() };
  }

  #open(entry: NdjsonEntry): AsyncIterable<Uint8Array> {
    return readNdjsonEntry(this.#source, entry, this.#context.limits, this.#context.signal);
  }

  async #table(job: CheckJob & { kind: "table" }): Promise<CheckedShare> {
    const [entry] = job.entries;
    if (job.container === "ndjson") return this.#rows(entry, job.table, this.#open(job.entries[0]));
    const records = await checkStretchRecords(this.#source, job.entries[0], this.#context);
    if (records.failure !== undefined) return records;
    const ownPieces = job.entries[0].listed.method !== 0;
    return this.#rows(entry, job.table, readStretch(this.#source, job.entries[0], this.#context), ownPieces);
  }

  async #rows(entry: ContainerEntry, table: TableJob, body: AsyncIterable<Uint8Array>, ownPieces = true): Promise<CheckedShare> {
    const hash = await ContentHash.create(entry.size, this.#codec);
    const context = {
      container: { open: () => body },
      codec: this.#codec,
      createHash: async () => hash,
      rowBytes: this.#context.limits.rowBytes,
      ...(ownPieces && !hash.holds && { release }),
      signal: this.#context.signal,
      onProgress: ({ path }: ContainerEntry, bytes: number, rows: number) => this.#report(path, bytes, rows),
    };
    const { entry: _, ...found } = await checkTableEntry(entry, { ...table, fileIds: new Set(table.fileIds) }, context);
    return found;
  }
}

Comlink.expose(worker);
