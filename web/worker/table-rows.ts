import { tablePath } from "../../engine/bundle/layout.ts";
import { readTable, type TableVisitor } from "../../engine/bundle/read-table.ts";
import { RowIndex, RowIndexer, walkRows } from "../../engine/bundle/row-index.ts";
import type { ByteSource } from "../../engine/byte-source.ts";
import type { ContainerEntry } from "../../engine/container.ts";
import { BackupError } from "../../engine/errors.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import { LineCursor } from "../../engine/ndjson/line-cursor.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { ZipStretch } from "../../engine/zip/list-zip.ts";
import { Cancelled } from "./failure.ts";
import type { OnProgress, RowPage } from "./protocol.ts";
import { Speed } from "./speed.ts";
import { KeptText, partOf } from "./table-text.ts";

/** The first rows are given without knowing where all others lie. */
const headRows = 2000;
/** A page holds no more text than this, nor a row more than that. */
const pageBytes = 8 * 1024 * 1024;
const rowBytes = 256 * 1024;

interface Indexed {
  index: RowIndex;
  text: ByteSource;
}

/** The rows of one table of an open bundle, by their number. Holds where some of them lie, and not the rows. */
export class TableRows {
  readonly #bundle: Bundle;
  readonly #source: ByteSource;
  readonly #entry: ContainerEntry;
  readonly #stated: number;
  #indexing: Promise<Indexed> | undefined;
  #indexed: Indexed | undefined;

  /** @throws BackupError `REQUEST_INVALID` for a table that the bundle does not have. */
  constructor(bundle: Bundle, source: ByteSource, table: string) {
    const entry = bundle.entry(tablePath(table));
    if (entry === undefined) throw new BackupError("REQUEST_INVALID", `the bundle has no table ${table}`, { table });
    this.#bundle = bundle;
    this.#source = source;
    this.#entry = entry;
    this.#stated = bundle.manifest.table_counts[table] ?? 0;
  }

  async page(from: number, count: number, signal: AbortSignal, onProgress?: OnProgress): Promise<RowPage> {
    const page = new Page(from, count);
    if (this.#indexed === undefined && from + count <= headRows) {
      await this.#head(page, signal);
      return page.result(this.#stated);
    }
    const { index, text } = await this.#find(signal, onProgress);
    if (from < index.rows) await this.#fill(page, index, text, signal);
    return page.result(index.rows);
  }

  async close(): Promise<void> {
    const indexed = this.#indexed;
    this.#indexed = undefined;
    await indexed?.text.close?.();
  }

  /** From the beginning of the table. */
  async #head(page: Page, signal: AbortSignal): Promise<void> {
    const enough = new Error("enough rows");
    const visitor: TableVisitor = {
      row(bytes, _fields, _place, start, end) {
        if (!page.take(bytes.subarray(start, end))) throw enough;
      },
    };
    page.row = 0;
    const { path } = this.#entry;
    await readTable(this.#open(signal), path, visitor, this.#bundle.limits.rowBytes).catch((error) => {
      if (error !== enough) throw error;
    });
  }

  /** From the mark before the first row, mark by mark. */
  async #fill(page: Page, index: RowIndex, text: ByteSource, signal: AbortSignal): Promise<void> {
    let number = index.find(page.from);
    for (let mark = index.mark(number); mark !== undefined; mark = index.mark(++number)) {
      const end = index.mark(number + 1)?.offset ?? text.size;
      const bytes = await text.read(mark.offset, end - mark.offset, signal);
      page.row = mark.row;
      walkRows(bytes, (row) => page.take(row), { entry: this.#entry.path, row: mark.row });
      if (page.full) return;
    }
  }

  /** One search at a time, whoever asks; one that was cancelled by another is begun anew. */
  async #find(signal: AbortSignal, onProgress?: OnProgress): Promise<Indexed> {
    while (this.#indexed === undefined) {
      const own = this.#indexing === undefined;
      this.#indexing ??= this.#index(signal, new Speed(onProgress)).finally(() => {
        this.#indexing = undefined;
      });
      try {
        this.#indexed = await this.#indexing;
      } catch (error) {
        if (own || !(error instanceof Cancelled)) throw error;
      }
      signal.throwIfAborted();
    }
    return this.#indexed;
  }

  #open(signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#bundle.container.open(this.#entry, signal);
  }

  async #index(signal: AbortSignal, speed: Speed): Promise<Indexed> {
    const report = (bytesDone: number, rows: number) => {
      const { path, size } = this.#entry;
      speed.update({ bytesDone, bytesTotal: size, rows, entries: 0, entriesTotal: 1, entry: path });
    };
    if (this.#bundle.container.kind === "ndjson") return this.#indexLines(signal, report);
    const stretch = this.#entry as ZipStretch;
    // A table of another layout may be a part of an entry: its text is kept as it passes.
    const stored = this.#bundle.layout === "holdall" && stretch.listed.method === 0;
    const kept = stored ? undefined : await KeptText.create(stretch.size, (again) => this.#open(again));
    try {
      const index = await this.#indexText(kept, signal, report);
      const text = kept?.source() ?? partOf(this.#source, stretch.listed.dataOffset, stretch.size);
      return { index, text };
    } catch (error) {
      await kept?.drop();
      throw error;
    }
  }

  async #indexText(kept: KeptText | undefined, signal: AbortSignal, report: Report): Promise<RowIndex> {
    const indexer = new RowIndexer();
    let bytes = 0;
    const open = this.#open(signal);
    async function* passing(): AsyncGenerator<Uint8Array> {
      for await (const piece of open) {
        signal.throwIfAborted();
        kept?.add(piece);
        bytes += piece.length;
        yield piece;
        report(bytes, indexer.index.rows);
      }
    }
    await readTable(passing(), this.#entry.path, indexer, this.#bundle.limits.rowBytes);
    return indexer.index;
  }

  async #indexLines(signal: AbortSignal, report: Report): Promise<Indexed> {
    const entry = this.#entry as NdjsonEntry;
    const index = new RowIndex();
    const cursor = new LineCursor(this.#source, entry, signal);
    for (let row = 0; !cursor.done; row++) {
      if (!cursor.ready) {
        report(cursor.offset - entry.offset, row);
        await cursor.fill(this.#bundle.limits.rowBytes);
      }
      index.add(row, cursor.offset - entry.offset);
      cursor.take();
    }
    return { index, text: partOf(this.#source, entry.offset, entry.end - entry.offset) };
  }
}

type Report = (bytes: number, rows: number) => void;

const decoder = new TextDecoder();

/** The rows asked for, as they are passed. */
class Page {
  readonly from: number;
  readonly #count: number;
  readonly #rows: string[] = [];
  readonly #cut: number[] = [];
  #bytes = 0;
  /** Number of the next row that is passed. */
  row = 0;

  constructor(from: number, count: number) {
    this.from = from;
    this.#count = count;
  }

  get full(): boolean {
    return this.#rows.length >= this.#count || this.#bytes > pageBytes;
  }

  /** Whether more rows are wanted. */
  take(bytes: Uint8Array): boolean {
    if (this.full) return false;
    if (this.row++ < this.from) return true;
    if (bytes.length > rowBytes) this.#cut.push(this.#rows.length);
    this.#rows.push(decoder.decode(bytes.subarray(0, rowBytes)));
    this.#bytes += Math.min(bytes.length, rowBytes);
    return !this.full;
  }

  result(total: number): RowPage {
    return { from: this.from, total, rows: this.#rows, cut: this.#cut };
  }
}
