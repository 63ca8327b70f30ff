import type { ByteSource } from "../../engine/byte-source.ts";
import { checkTableEntry, contentFailure } from "../../engine/check-entries.ts";
import type { Codec } from "../../engine/codec.ts";
import { ContentHash } from "../../engine/codec-each.ts";
import type { ContainerEntry } from "../../engine/container.ts";
import type { Limits } from "../../engine/limits.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import { readNdjsonEntry } from "../../engine/ndjson/read-ndjson.ts";
import { release } from "../../engine/release.ts";
import { checkRun } from "../../engine/zip/check-run.ts";
import type { ZipStretch } from "../../engine/zip/list-zip.ts";
import type { RunEntry } from "../../engine/zip/run-steps.ts";
import type { CheckedShare, CheckJob, JobEntry, TableJob } from "./pool-protocol.ts";
import type { Tally } from "./tally.ts";

/** Does a job of checking. */
export class Checker {
  readonly #source: ByteSource;
  readonly #context: { codec: Codec; limits: Limits; signal: AbortSignal };
  readonly #tally: Tally;

  constructor(source: ByteSource, context: { codec: Codec; limits: Limits; signal: AbortSignal }, tally: Tally) {
    this.#source = source;
    this.#context = context;
    this.#tally = tally;
  }

  /** One item an entry, in order. */
  check(job: CheckJob): Promise<CheckedShare[]> {
    return job.kind === "zip" ? this.#zip(job.entries) : this.#ndjson(job.entries);
  }

  async #zip(entries: readonly JobEntry<ZipStretch>[]): Promise<CheckedShare[]> {
    const run = entries.map(({ entry, look }): RunEntry<CheckedShare> => {
      if (typeof look === "string") return { stretch: entry, look };
      return { stretch: entry, look: (content) => this.#rows(entry, look, content, entry.deflated) };
    });
    const onProgress = ({ path }: ContainerEntry, bytes: number) => this.#tally.add(path, bytes, 0);
    const found: CheckedShare[] = [];
    for await (const some of checkRun(this.#source, run, { ...this.#context, onProgress })) found.push(...some);
    return found;
  }

  async #ndjson(entries: readonly JobEntry<NdjsonEntry>[]): Promise<CheckedShare[]> {
    const { limits, signal } = this.#context;
    const found: CheckedShare[] = [];
    for (const { entry, look } of entries) {
      const body = readNdjsonEntry(this.#source, entry, limits, signal);
      found.push(typeof look === "object" ? await this.#rows(entry, look, body, true) : await this.#hashed(entry, body));
    }
    return found;
  }

  async #hashed(entry: NdjsonEntry, body: AsyncIterable<Uint8Array>): Promise<CheckedShare> {
    const hash = await ContentHash.create(entry.size, this.#context.codec);
    try {
      for await (const piece of body) {
        hash.update(piece);
        this.#tally.add(entry.path, piece.length, 0);
      }
    } catch (error) {
      return { failure: contentFailure(error) };
    }
    return { sha256: await hash.digest() };
  }

  /** `own`: the pieces are nobody else's. */
  async #rows(entry: ContainerEntry, table: TableJob, body: AsyncIterable<Uint8Array>, own: boolean): Promise<CheckedShare> {
    const { codec, limits, signal } = this.#context;
    const hash = await ContentHash.create(entry.size, codec);
    const context = {
      container: { open: () => body },
      codec,
      createHash: async () => hash,
      rowBytes: limits.rowBytes,
      ...(own && !hash.holds && { release }),
      signal,
      onProgress: ({ path }: ContainerEntry, bytes: number, rows: number) => this.#tally.add(path, bytes, rows),
    };
    const { entry: _, ...found } = await checkTableEntry(entry, { ...table, fileIds: new Set(table.fileIds) }, context);
    return found;
  }
}
