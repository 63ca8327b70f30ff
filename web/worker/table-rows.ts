import { tablePath } from "../../engine/bundle/layout.ts";
import { readTable, type TableVisitor } from "../../engine/bundle/read-table.ts";
import { RowIndex, RowIndexer, type RowMarks, walkRows } from "../../engine/bundle/row-index.ts";
import type { ByteSource } from "../../engine/byte-source.ts";
import type { Codec } from "../../engine/codec.ts";
import type { ContainerEntry } from "../../engine/container.ts";
import { BackupError } from "../../engine/errors.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import { LineCursor } from "../../engine/ndjson/line-cursor.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { checkStretch, type ZipStretch } from "../../engine/zip/list-zip.ts";
import { BlockText, NotInBlocks } from "./block-text.ts";
import { Cancelled } from "./failure.ts";
import type { OnProgress, RowPage } from "./protocol.ts";
import { Page } from "./row-page.ts";
import { Speed } from "./speed.ts";
import { KeptText, partOf } from "./table-text.ts";

/** The first rows are given without knowing where all others lie. */
const headRows = 2000;
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
  readonly #codec: Codec;
  #indexing: Promise<Indexed> | undefined;
  #indexed: Indexed | undefined;
  #known: RowMarks | undefined;

  /** @throws BackupError `REQUEST_INVALID` for a table that the bundle does not have. */
  constructor(bundle: Bundle, source: ByteSource, codec: Codec, table: string) {
    const entry = bundle.entry(tablePath(table));
    if (entry === undefined) throw new BackupError("REQUEST_INVALID", `the bundle has no table ${table}`, { table });
    this.#bundle = bundle;
    this.#source = source;
    this.#codec = codec;
    this.#entry = entry;
    this.#stated = bundle.manifest.table_counts[table] ?? 0;
  }

  async page(from: number, count: number, signal: AbortSignal, onProgress?: OnProgress): Promise<RowPage> {
    if (this.#indexed === undefined && from + count <= headRows) {
      const page = new Page(from, count);
      await this.#head(page, signal);
      return page.result(this.#stated);
    }
    const found = await this.#find(signal, onProgress);
    try {
      return await this.#pageOf(found, new Page(from, count), signal, onProgress);
    } catch (error) {
      if (!(error instanceof NotInBlocks)) throw error;
      this.#indexed = { index: found.index, text: await this.#kept() };
      return this.#pageOf(this.#indexed, new Page(from, count), signal, onProgress);
    }
  }

  async #pageOf({ index, text }: Indexed, page: Page, signal: AbortSignal, onProgress?: OnProgress): Promise<RowPage> {
    this.#watch(text, onProgress);
    if (page.from < index.rows) await this.#fill(page, index, text, signal);
    return page.result(index.rows);
  }

  /** Takes where rows lie in the table's text from whoever has gone through all of it. */
  adopt(marks: RowMarks): void {
    if (this.#indexed === undefined) this.#known = marks;
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

  /** Much of a text may have to be unpacked before a place in it can be read. */
  #watch(text: ByteSource, onProgress?: OnProgress): void {
    if (!(text instanceof KeptText)) return;
    const report = this.#reportTo(new Speed(onProgress));
    text.onProgress = (bytes) => report(bytes, 0);
  }

  #reportTo(speed: Speed): Report {
    const { path, size } = this.#entry;
    return (bytesDone, rows) => speed.update({ bytesDone, bytesTotal: size, rows, entries: 0, entriesTotal: 1, entry: path });
  }

  async #index(signal: AbortSignal, speed: Speed): Promise<Indexed> {
    const report = this.#reportTo(speed);
    if (this.#bundle.container.kind === "ndjson") return this.#indexLines(signal, report);
    const source: ByteSource = (await this.#inPlace(signal)) ?? (await this.#kept());
    try {
      const pieces = source instanceof KeptText ? source.pieces(signal) : this.#open(signal);
      const index = this.#known ? RowIndex.of(this.#known) : await this.#indexText(pieces, signal, report);
      if (source instanceof BlockText) source.index = index;
      return { index, text: source };
    } catch (error) {
      await source.close?.();
      throw error;
    }
  }

  /** The text where it lies in the archive, if any place of it can be read there. */
  async #inPlace(signal: AbortSignal): Promise<ByteSource | undefined> {
    // A table of another layout may be a part of an entry.
    if (this.#bundle.layout !== "holdall") return undefined;
    const entry = this.#entry as ZipStretch;
    await checkStretch(this.#source, entry, { codec: this.#codec, limits: this.#bundle.limits, signal });
    if (entry.deflated) return BlockText.open(this.#source, entry, this.#codec, signal);
    return partOf(this.#source, entry.dataOffset, entry.size);
  }

  /** The text kept as it is unpacked. */
  #kept(): Promise<KeptText> {
    return KeptText.create(this.#entry.size, () => this.#open());
  }

  async #indexText(text: AsyncIterable<Uint8Array>, signal: AbortSignal, report: Report): Promise<RowIndex> {
    const indexer = new RowIndexer();
    let bytes = 0;
    async function* passing(): AsyncGenerator<Uint8Array> {
      for await (const piece of text) {
        signal.throwIfAborted();
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
    const text = partOf(this.#source, entry.offset, entry.end - entry.offset);
    if (this.#known !== undefined) return { index: RowIndex.of(inLines(this.#known)), text };
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
    return { index, text };
  }
}

type Report = (bytes: number, rows: number) => void;

/** A table's text opens with a bracket and a newline and has a comma and a newline behind each row, a container of lines only the newline. */
function inLines({ total, rows, offsets }: RowMarks): RowMarks {
  return { total, rows, offsets: offsets.map((offset, i) => offset - 2 - rows[i]!) };
}
