import { TableText } from "../bundle/table-text.ts";
import { utf8 } from "../bytes.ts";
import { BackupError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { badRecord, type Control, controlOf, isControl } from "./control-lines.ts";
import { assertOpening, closing } from "./index-ndjson.ts";
import { type ContentHasher, type ContentHashing, StatedHashes } from "./stated-hashes.ts";
import { StreamCursor } from "./stream-cursor.ts";

export interface StreamedEntry {
  kind: "table" | "file" | "document";
  path: string;
  /** Bytes of the body, where they are stated beforehand. */
  size: number | undefined;
  /**
   * The entry's content, to be consumed before the next entry is asked for; a piece is valid until the next one is pulled. Fails at its end
   * where it is not as long as its `$end` line states.
   */
  body: AsyncIterable<Uint8Array>;
  /** Rows of a table so far. */
  rows(): number;
}

export interface NdjsonStream {
  /** The opening `$holdall` line. */
  header: Control;
  entries: AsyncIterable<StreamedEntry>;
}

interface StreamOptions {
  limits: Limits;
  hashing: ContentHashing;
}

/**
 * Reads the ndjson container forward, as it arrives; pieces of the input need be valid only until the next one is pulled. It is whole only once
 * `entries` has ended: a stream that is cut, that its writer ended with an error, or whose content is not what it states fails with a `STREAM_`,
 * `INTEGRITY_` or `LIMIT_` code, though not always before the content has been given.
 */
export async function readNdjsonStream(input: AsyncIterable<Uint8Array>, options: StreamOptions): Promise<NdjsonStream> {
  const cursor = new StreamCursor(input);
  const header = controlOf(await cursor.line(options.limits.documentBytes), 0);
  assertOpening(header["$holdall"]);
  return { header, entries: new StreamReader(cursor, options).entries() };
}

class StreamReader {
  readonly #cursor: StreamCursor;
  readonly #options: StreamOptions;
  readonly #hashes: StatedHashes;

  constructor(cursor: StreamCursor, options: StreamOptions) {
    this.#cursor = cursor;
    this.#options = options;
    this.#hashes = new StatedHashes(options.hashing);
  }

  entries(): AsyncGenerator<StreamedEntry> {
    return this.#hashes.before(this.#entries());
  }

  async *#entries(): AsyncGenerator<StreamedEntry> {
    try {
      for (let count = 0; ; count++) {
        const { offset } = this.#cursor;
        const control = await this.#control();
        if ("$done" in control) return await this.#finish(control["$done"], count);
        if (count >= this.#options.limits.entries)
          throw new BackupError("LIMIT_ENTRIES", `the stream has more than ${this.#options.limits.entries} entries`);
        yield this.#entry(control, offset);
      }
    } finally {
      await this.#cursor.close();
    }
  }

  async #control(): Promise<Control> {
    this.#hashes.assertNoneDiffers();
    const { offset } = this.#cursor;
    return controlOf(await this.#cursor.line(this.#options.limits.documentBytes), offset);
  }

  #entry(control: Control, offset: number): StreamedEntry {
    const { $table, $file, $document } = control;
    if (typeof $table === "string") return this.#table($table);
    if (typeof $file === "string") return this.#file($file, control["bytes"], offset);
    if (typeof $document === "string") return this.#document($document, control["text"], offset);
    throw badRecord("a control line opens no known kind of entry", offset);
  }

  #table(path: string): StreamedEntry {
    const text = new TableText();
    return { kind: "table", path, size: undefined, rows: () => text.rows, body: this.#hashes.before(this.#rows(path, text)) };
  }

  async *#rows(path: string, text: TableText): AsyncGenerator<Uint8Array> {
    const hash = await this.#options.hashing.create();
    for (;;) {
      const { offset } = this.#cursor;
      const line = this.#cursor.takeLine() ?? (await this.#cursor.line(this.#options.limits.rowBytes));
      const control = isControl(line) ? controlOf(line, offset) : undefined;
      if (control === undefined) text.add(line);
      else text.end();
      if (text.full) {
        for (const block of text.blocks()) {
          await hash.update(block);
          yield block;
        }
      }
      if (control === undefined) continue;
      this.#close(control, path, { rows: text.rows }, hash, offset);
      return;
    }
  }

  #file(path: string, bytes: unknown, offset: number): StreamedEntry {
    if (!Number.isSafeInteger(bytes) || (bytes as number) < 0)
      throw badRecord(`${path}: the $file line does not count its bytes`, offset);
    const size = bytes as number;
    return { kind: "file", path, size, rows: () => 0, body: this.#hashes.before(this.#raw(path, size)) };
  }

  async *#raw(path: string, size: number): AsyncGenerator<Uint8Array> {
    const hash = await this.#options.hashing.create();
    for await (const piece of this.#cursor.bytes(size)) {
      await hash.update(piece);
      yield piece;
    }
    const behind = this.#cursor.offset;
    if ((await this.#cursor.line(0)).length > 0) throw badRecord(`${path}: no line end follows its ${size} bytes`, behind);
    const { offset } = this.#cursor;
    this.#close(await this.#control(), path, { bytes: size }, hash, offset);
  }

  #document(path: string, text: unknown, offset: number): StreamedEntry {
    if (typeof text !== "string") throw badRecord(`${path}: the $document line has no text`, offset);
    const content = utf8(text);
    return { kind: "document", path, size: content.length, rows: () => 0, body: this.#hashes.before(this.#text(path, content)) };
  }

  async *#text(path: string, content: Uint8Array): AsyncGenerator<Uint8Array> {
    const hash = await this.#options.hashing.create();
    await hash.update(content);
    const { offset } = this.#cursor;
    this.#close(await this.#control(), path, { bytes: content.length }, hash, offset);
    yield content;
  }

  #close(
    control: Control,
    path: string,
    counted: { rows: number } | { bytes: number },
    hash: ContentHasher,
    offset: number,
  ): void {
    this.#hashes.compare(hash.digest(), closing(control, path, counted, offset), path, offset);
  }

  async #finish(done: unknown, count: number): Promise<void> {
    const { offset } = this.#cursor;
    const stated = (done as { entries?: unknown } | null)?.entries;
    if (stated !== count) {
      const message = `the stream has ${count} entries and its $done line says ${stated}`;
      throw new BackupError("INTEGRITY_COUNT", message, { offset });
    }
    if (!(await this.#cursor.atEnd())) throw badRecord("data follows behind the $done line", offset);
    await this.#hashes.end();
  }
}
