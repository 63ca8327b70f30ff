import type * as Comlink from "comlink";
import { manifestPath } from "../../engine/bundle/layout.ts";
import { parseManifest } from "../../engine/bundle/manifest.ts";
import { collect } from "../../engine/bytes.ts";
import type { Codec } from "../../engine/codec.ts";
import type { EntryInput } from "../../engine/container.ts";
import { BackupError } from "../../engine/errors.ts";
import { defaultLimits } from "../../engine/limits.ts";
import { readNdjsonStream, type StreamedEntry } from "../../engine/ndjson/read-ndjson-stream.ts";
import type { ContentHasher } from "../../engine/ndjson/stated-hashes.ts";
import { writeZip } from "../../engine/zip/write-zip.ts";
import { ContentHashes } from "./content-hashes.ts";
import { fetchExport } from "./fetch-export.ts";
import { packCodec } from "./pack-codec.ts";
import { openSink, type Sink } from "./pack-target.ts";
import { startHelpers } from "./pool.ts";
import type { PackingWorker } from "./pool-protocol.ts";
import type { ExportRequest, Packed, PackProgress, PackTarget } from "./protocol.ts";
import { Speed } from "./speed.ts";

type Tell = (progress: PackProgress) => void;

/** Fetches an export and packs it, entry by entry as it arrives: memory does not grow with it. */
export async function packExport(
  request: ExportRequest,
  target: PackTarget,
  options: { codec: Codec; signal: AbortSignal; onProgress?: Tell | undefined },
): Promise<Packed> {
  const helpers = startHelpers();
  try {
    const { bytes, suggestedName } = await fetchExport(request, options.signal);
    const sink = await openSink(target);
    try {
      const packing = new Packing(options, helpers.remotes);
      const packed = await packing.run(bytes, sink);
      options.signal.throwIfAborted();
      return { ...packed, file: await sink.close(), suggestedName };
    } catch (error) {
      await sink.abort();
      throw error;
    }
  } finally {
    helpers.end();
  }
}

class Packing {
  readonly #codec: Codec;
  readonly #signal: AbortSignal;
  readonly #contentHashes: ContentHashes;
  readonly #archiveHashes: ContentHashes;
  readonly #archiveHash: ContentHasher;
  readonly #tell: Tell | undefined;
  readonly #speed = new Speed(undefined);
  readonly #progress: PackProgress = {
    bytesRead: 0,
    bytesWritten: 0,
    bytesPerSecond: 0,
    entry: { kind: "document", path: "" },
    tables: 0,
    rows: 0,
    files: 0,
  };
  #warnings: string[] = [];
  #told = 0;

  constructor(
    options: { codec: Codec; signal: AbortSignal; onProgress?: Tell | undefined },
    remotes: readonly Comlink.Remote<PackingWorker>[],
  ) {
    this.#signal = options.signal;
    this.#tell = options.onProgress;
    this.#contentHashes = new ContentHashes(remotes);
    // The other end of the list from where large tables are deflated.
    this.#archiveHashes = new ContentHashes(remotes.slice(-1));
    this.#archiveHash = this.#archiveHashes.create();
    let turn = 0;
    this.#codec = packCodec(options.codec, remotes[0]!, () => remotes[turn++ % remotes.length]!);
  }

  async run(bytes: AsyncIterable<Uint8Array>, sink: Sink): Promise<Omit<Packed, "file" | "suggestedName">> {
    const options = { limits: defaultLimits, hashing: this.#contentHashes };
    const stream = await readNdjsonStream(this.#counted(bytes), options);
    const createdAt = new Date(String(stream.header["created_at"]));
    if (Number.isNaN(createdAt.getTime())) throw new BackupError("STREAM_BAD_RECORD", "the stream does not say when it was made");
    const how = { codec: this.#codec, modifiedAt: createdAt, signal: this.#signal, reuseMemory: true };
    for await (const piece of writeZip(this.#entries(stream.entries), how)) await this.#write(piece, sink);
    const sha256 = this.#archiveHash.digest();
    this.#archiveHashes.end();
    const { bytesWritten: size, tables, rows, files } = this.#progress;
    return { size, sha256: await sha256, tables, rows, files, warnings: this.#warnings };
  }

  async #write(piece: Uint8Array, sink: Sink): Promise<void> {
    this.#signal.throwIfAborted();
    await sink.write(piece);
    await this.#archiveHash.update(piece);
    this.#progress.bytesWritten += piece.length;
    this.#report();
  }

  async *#counted(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      this.#progress.bytesRead += piece.length;
      yield piece;
      this.#report();
    }
  }

  async *#entries(entries: AsyncIterable<StreamedEntry>): AsyncGenerator<EntryInput> {
    for await (const entry of entries) {
      const { kind, path, size } = entry;
      this.#progress.entry = { kind, path };
      const body = kind === "table" ? this.#rows(entry) : path === manifestPath ? await this.#manifest(entry) : entry.body;
      yield { path, kind, body, ...(size === undefined ? {} : { size }) };
      if (kind === "table") this.#progress.tables++;
      if (kind === "file") this.#progress.files++;
    }
  }

  async *#rows(entry: StreamedEntry): AsyncGenerator<Uint8Array> {
    const before = this.#progress.rows;
    for await (const piece of entry.body) {
      yield piece;
      this.#progress.rows = before + entry.rows();
    }
    this.#progress.rows = before + entry.rows();
  }

  async #manifest(entry: StreamedEntry): Promise<Uint8Array> {
    const content = await collect(entry.body);
    this.#warnings = parseManifest(content).warnings;
    return content;
  }

  #report(): void {
    const now = performance.now();
    if (this.#tell === undefined || now - this.#told < 100) return;
    this.#told = now;
    this.#tell({ ...this.#progress, bytesPerSecond: this.#speed.mark(this.#progress.bytesRead, now) });
  }
}
