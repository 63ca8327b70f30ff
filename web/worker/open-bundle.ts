import { adviceFor } from "../../engine/advice.ts";
import { checksumsPath, manifestPath, roleOf } from "../../engine/bundle/layout.ts";
import type { ByteSource } from "../../engine/byte-source.ts";
import { utf8 } from "../../engine/bytes.ts";
import { type CheckedEntry, checkInOrder } from "../../engine/check-entries.ts";
import type { Codec } from "../../engine/codec.ts";
import { BackupError } from "../../engine/errors.ts";
import { defaultLimits } from "../../engine/limits.ts";
import { type Bundle, openBundle } from "../../engine/read-bundle.ts";
import { type CarriedFile, canThin, carriedFiles, thinBundle } from "../../engine/thin-bundle.ts";
import { verifyBundle } from "../../engine/verify-bundle.ts";
import { nameOf, sourceOf } from "./origin.ts";
import { Pool } from "./pool.ts";
import { poolChecker } from "./pool-check.ts";
import type { Origin } from "./pool-protocol.ts";
import type { FileContent, Naming, OnProgress, ThinBundle, VerificationReport } from "./protocol.ts";
import { Speed } from "./speed.ts";
import { TableRows } from "./table-rows.ts";

/** The bundle that the page looks at. */
export class OpenBundle {
  readonly origin: Origin;
  readonly source: ByteSource;
  readonly bundle: Bundle;
  readonly codec: Codec;

  private constructor(origin: Origin, source: ByteSource, bundle: Bundle, codec: Codec) {
    this.origin = origin;
    this.source = source;
    this.bundle = bundle;
    this.codec = codec;
  }

  static async open(
    origin: Origin,
    naming: Naming,
    codec: Codec,
    signal: AbortSignal,
    onProgress?: OnProgress,
  ): Promise<OpenBundle> {
    const source = await sourceOf(origin, signal);
    const speed = new Speed(onProgress);
    const indexed = (bytes: number) =>
      speed.update({ bytesDone: bytes, bytesTotal: source.size, rows: 0, entries: 0, entriesTotal: 0, entry: "" });
    const read = { codec, signal, records: "when-read", onProgress: indexed } as const;
    const bundle = await openBundle(source, { ...read, ...naming, name: nameOf(origin) });
    return new OpenBundle(origin, source, bundle, codec);
  }

  readonly #tables = new Map<string, TableRows>();
  #carried: CarriedFile[] | undefined;

  get name(): string {
    return nameOf(this.origin);
  }

  rows(table: string): TableRows {
    let rows = this.#tables.get(table);
    if (rows === undefined) {
      rows = new TableRows(this.bundle, this.source, this.codec, table);
      this.#tables.set(table, rows);
    }
    return rows;
  }

  get carried(): readonly CarriedFile[] {
    this.#carried ??= carriedFiles(this.bundle);
    return this.#carried;
  }

  get canThin(): boolean {
    return this.origin instanceof Blob && canThin(this.bundle);
  }

  async fileBlob(path: string, maxBytes: number, signal: AbortSignal): Promise<FileContent> {
    const entry = this.bundle.entry(path);
    if (entry === undefined || roleOf(path)?.kind !== "file")
      throw new BackupError("REQUEST_INVALID", `the bundle carries no file ${path}`, { entry: path });
    const parts: BlobPart[] = [];
    let bytes = 0;
    for await (const piece of this.bundle.container.open(entry, signal)) {
      const part = piece.subarray(0, maxBytes - bytes);
      parts.push(part as Uint8Array<ArrayBuffer>);
      bytes += part.length;
      if (bytes === maxBytes) break;
    }
    return { blob: new Blob(parts), size: entry.size, cut: bytes < entry.size };
  }

  /** Slices of the chosen file with little new between them. */
  async thin(omit: Uint32Array): Promise<ThinBundle> {
    const { origin } = this;
    if (!(origin instanceof Blob)) throw new BackupError("REQUEST_INVALID", "a bundle on a server is not uploaded from here");
    const files = [...new Set(omit)].sort((a, b) => a - b).map((index) => this.#carriedAt(index));
    if (files.length === 0) return { blob: origin, fingerprint: await this.#fingerprint([]), omitted: 0, omittedBytes: 0 };
    const slices = await thinBundle(this.bundle, files, this.codec);
    const made = slices.filter((slice): slice is Uint8Array<ArrayBuffer> => slice instanceof Uint8Array);
    const blob = new Blob(
      slices.map((slice) => (slice instanceof Uint8Array ? (slice as BlobPart) : origin.slice(slice.start, slice.end))),
    );
    const omittedBytes = files.reduce((sum, { path }) => sum + this.bundle.entry(path)!.storedSize, 0);
    return { blob, fingerprint: await this.#fingerprint(made), omitted: files.length, omittedBytes };
  }

  #carriedAt(index: number): CarriedFile {
    const file = this.carried[index];
    if (file === undefined) throw new BackupError("REQUEST_INVALID", `the bundle carries no file with the index ${index}`);
    return file;
  }

  /** Over what is new, and over checksums.json or else the manifest, which stand for the content; the file's own attributes tell copies apart. */
  async #fingerprint(made: readonly Uint8Array[]): Promise<string> {
    const { origin, bundle } = this;
    const { name, lastModified } = origin instanceof File ? origin : { name: "", lastModified: 0 };
    const hash = await this.codec.createSha256();
    hash.update(utf8(JSON.stringify([name, lastModified, bundle.container.size])));
    const stands = bundle.checksums === null ? manifestPath : checksumsPath;
    for await (const piece of bundle.open(stands)) hash.update(piece);
    for (const piece of made) hash.update(piece);
    return hash.digest();
  }

  async close(): Promise<void> {
    for (const rows of this.#tables.values()) await rows.close();
    this.#tables.clear();
    await this.source.close?.();
  }

  /** Rows of a table that was gone through need not be searched again. */
  #adopt({ entry, table, failure }: CheckedEntry): void {
    const role = this.bundle.layout === "holdall" ? roleOf(entry.path) : null;
    if (table !== undefined && failure === undefined && role?.kind === "table") this.rows(role.table).adopt(table.marks);
  }

  async verify(signal: AbortSignal, onProgress?: OnProgress): Promise<VerificationReport> {
    const start = performance.now();
    const speed = new Speed(onProgress);
    // The Workers know the entries of a container; another layout's are parts of such, which this one reads itself.
    const pool = this.bundle.layout === "holdall" ? await Pool.start(this.origin, defaultLimits) : undefined;
    try {
      let entries = 0;
      const entriesTotal = this.bundle.container.entries.length;
      const check = pool === undefined ? checkInOrder : poolChecker(pool);
      const adopt = (checked: CheckedEntry) => this.#adopt(checked);
      const found = await verifyBundle(this.bundle, {
        codec: this.codec,
        signal,
        check: async function* counted(tasks, context) {
          for await (const checked of check(tasks, context)) {
            entries++;
            adopt(checked);
            yield checked;
          }
        },
        onProgress: (progress) => speed.update({ ...progress, entries, entriesTotal }),
      });
      const issues = found.issues.map((issue) => ({ ...issue, advice: adviceFor(issue.code) }));
      return { ...found, issues, seconds: (performance.now() - start) / 1000 };
    } finally {
      pool?.end();
    }
  }
}
