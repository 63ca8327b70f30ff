import type { ByteSource } from "../byte-source.ts";
import { utf8 } from "../bytes.ts";
import type { ContainerEntry } from "../container.ts";
import { BackupError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { assertNoCollisions, assertPath } from "../paths.ts";
import { badRecord, type Control, controlOf, isControl } from "./control-lines.ts";
import { LineCursor, truncated } from "./line-cursor.ts";

export interface NdjsonEntry extends ContainerEntry {
  /** First byte of the entry's opening line, and behind its `$end` line. */
  start: number;
  stop: number;
  kind: "table" | "file" | "document";
  /** First byte of the entry's lines or raw bytes; of its whole line for a document. */
  offset: number;
  /** Behind their last byte. */
  end: number;
  /** As the `$end` line states it. */
  sha256: string;
}

type Unplaced = Omit<NdjsonEntry, "start" | "stop">;

export interface IndexOptions {
  limits: Limits;
  signal?: AbortSignal;
  /** Bytes looked at so far. */
  onProgress?: (bytes: number) => void;
}

/** Finds the entries of an ndjson container; file bytes are skipped, not read. */
export async function indexNdjson(source: ByteSource, options: IndexOptions) {
  if (source.size > options.limits.archiveBytes) {
    const message = `the stream has ${source.size} bytes and the limit is ${options.limits.archiveBytes}`;
    throw new BackupError("LIMIT_ARCHIVE_BYTES", message);
  }
  return new Indexer(source, options).index();
}

class Indexer {
  readonly #source: ByteSource;
  readonly #options: IndexOptions;
  readonly #cursor: LineCursor;
  readonly #entries: NdjsonEntry[] = [];
  #totalBytes = 0;

  constructor(source: ByteSource, options: IndexOptions) {
    this.#source = source;
    this.#options = options;
    this.#cursor = new LineCursor(source, { offset: 0, end: source.size }, options.signal);
  }

  async index(): Promise<{ header: Control; entries: NdjsonEntry[] }> {
    const header = await this.#control();
    assertOpening(header["$holdall"]);
    for (;;) {
      const lineStart = this.#cursor.offset;
      const control = await this.#control();
      if ("$done" in control) {
        this.#finish(control["$done"]);
        return { header, entries: this.#entries };
      }
      const entry = await this.#entry(control, lineStart);
      this.#add({ ...entry, start: lineStart, stop: this.#cursor.offset });
      this.#options.onProgress?.(this.#cursor.offset);
    }
  }

  async #control(): Promise<Control> {
    const { offset, done } = this.#cursor;
    if (done) throw truncated(offset);
    await this.#cursor.fill(this.#options.limits.documentBytes);
    return controlOf(this.#cursor.take(), offset);
  }

  #entry(control: Control, lineStart: number): Promise<Unplaced> {
    const { $table, $file, $document } = control;
    if (typeof $table === "string") return this.#table($table);
    if (typeof $file === "string") return this.#file($file, control["bytes"]);
    if (typeof $document === "string") return this.#document($document, control["text"], lineStart);
    throw badRecord("a control line opens no known kind of entry", lineStart);
  }

  async #table(path: string): Promise<Unplaced> {
    const { offset } = this.#cursor;
    let rows = 0;
    let rowBytes = 0;
    for (;;) {
      const end = this.#cursor.offset;
      if (!this.#cursor.ready) await this.#nextLine();
      const line = this.#cursor.take();
      if (isControl(line)) {
        const sha256 = closing(controlOf(line, end), path, { rows }, end);
        // "[" newline, "," newline between rows, newline "]" newline
        const size = rows === 0 ? 4 : rowBytes + 2 * rows + 3;
        return { kind: "table", path, offset, end, size, storedSize: end - offset, sha256 };
      }
      rows++;
      rowBytes += line.length;
    }
  }

  async #nextLine(): Promise<void> {
    if (this.#cursor.done) throw truncated(this.#cursor.offset);
    this.#options.onProgress?.(this.#cursor.offset);
    await this.#cursor.fill(this.#options.limits.rowBytes);
  }

  async #file(path: string, bytes: unknown): Promise<Unplaced> {
    const { offset } = this.#cursor;
    if (!Number.isSafeInteger(bytes) || (bytes as number) < 0)
      throw badRecord(`${path}: the $file line does not count its bytes`, offset);
    const size = bytes as number;
    const end = offset + size;
    if (end + 1 > this.#source.size) throw truncated(this.#source.size);
    this.#cursor.offset = end;
    await this.#nextLine();
    if (this.#cursor.take().length > 0) throw badRecord(`${path}: no line end follows its ${size} bytes`, end);
    const sha256 = await this.#closing(path, { bytes: size });
    return { kind: "file", path, offset, end, size, storedSize: size, sha256 };
  }

  async #document(path: string, text: unknown, offset: number): Promise<Unplaced> {
    if (typeof text !== "string") throw badRecord(`${path}: the $document line has no text`, offset);
    const end = this.#cursor.offset;
    const size = utf8(text).length;
    const sha256 = await this.#closing(path, { bytes: size });
    return { kind: "document", path, offset, end, size, storedSize: end - offset, sha256 };
  }

  async #closing(path: string, counted: { bytes: number }): Promise<string> {
    const { offset } = this.#cursor;
    return closing(await this.#control(), path, counted, offset);
  }

  #add(entry: NdjsonEntry): void {
    const { limits } = this.#options;
    assertPath(entry.path, entry.offset);
    this.#entries.push(entry);
    this.#totalBytes += entry.size;
    const over = (code: "LIMIT_ENTRIES" | "LIMIT_ENTRY_BYTES" | "LIMIT_TOTAL_BYTES", what: string, limit: number) =>
      new BackupError(code, `${entry.path}: ${what} is more than the limit of ${limit}`, { entry: entry.path });
    if (this.#entries.length > limits.entries) throw over("LIMIT_ENTRIES", "the number of entries", limits.entries);
    if (entry.size > limits.entryBytes) throw over("LIMIT_ENTRY_BYTES", "its size in bytes", limits.entryBytes);
    if (this.#totalBytes > limits.totalBytes) throw over("LIMIT_TOTAL_BYTES", "the size of all entries", limits.totalBytes);
  }

  #finish(done: unknown): void {
    const { offset } = this.#cursor;
    const stated = (done as { entries?: unknown } | null)?.entries;
    if (stated !== this.#entries.length) {
      throw new BackupError(
        "INTEGRITY_COUNT",
        `the stream has ${this.#entries.length} entries and its $done line says ${stated}`,
        { offset },
      );
    }
    assertNoCollisions(this.#entries.map((entry) => entry.path));
    if (!this.#cursor.done) throw badRecord("data follows behind the $done line", offset);
  }
}

export function assertOpening(version: unknown): void {
  if (version === 1) return;
  if (typeof version !== "number") throw badRecord("the stream does not open with a $holdall line", 0);
  const message = `the stream has version ${version} and this Holdall reads version 1; use a Holdall that knows it`;
  throw new BackupError("SCHEMA_VERSION", message, { found: version, supported: 1 });
}

/** Holds an entry's `$end` line against what was counted; gives the SHA-256 it states. */
export function closing(control: Control, path: string, counted: { rows: number } | { bytes: number }, offset: number): string {
  if (control["$end"] !== path) throw badRecord(`${path} is not closed by its own $end line`, offset);
  for (const [unit, found] of Object.entries(counted)) {
    if (control[unit] === found) continue;
    const message = `${path} has ${found} ${unit} and its $end line says ${control[unit]}`;
    throw new BackupError("INTEGRITY_COUNT", message, { entry: path, offset });
  }
  const { sha256 } = control;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256))
    throw badRecord(`${path}: its $end line has no SHA-256`, offset);
  return sha256;
}
