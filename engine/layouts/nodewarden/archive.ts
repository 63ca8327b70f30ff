import { manifestPath, tablePath } from "../../bundle/layout.ts";
import { type ByteSource, pieceLength } from "../../byte-source.ts";
import type { Container, ContainerEntry, HashedEntry } from "../../container.ts";
import { BackupError } from "../../errors.ts";
import type { ZipEntry } from "../../zip/entry.ts";
import type { IndexedTable } from "./index-db.ts";

/** An entry of the bundle, and the archive's entry that it is, or of which it is a stretch. */
interface PlacedEntry extends ContainerEntry {
  origin: ContainerEntry;
  range?: { start: number; end: number };
}

/** The archive with the entries that the bundle has: a table is a stretch of db.json. */
export class NodewardenContainer implements Container {
  readonly kind: Container["kind"];
  readonly size: number;
  readonly entries: readonly PlacedEntry[];
  readonly #archive: Container;
  readonly #source: ByteSource;
  declare readonly verify?: NonNullable<Container["verify"]>;

  constructor(
    archive: Container,
    source: ByteSource,
    parts: { manifest: ContainerEntry; db: ContainerEntry; tables: readonly IndexedTable[]; files: Map<string, ContainerEntry> },
  ) {
    this.#archive = archive;
    this.#source = source;
    this.kind = archive.kind;
    this.size = archive.size;
    this.entries = [
      { ...sizes(parts.manifest), path: manifestPath, origin: parts.manifest },
      ...parts.tables.map((table) => tableEntry(table, parts.db)),
      ...[...parts.files].map(([path, origin]) => ({ ...sizes(origin), path, origin })),
    ];
    if (archive.verify !== undefined) this.verify = (entries, options) => this.#verify(entries, options);
  }

  release(piece: Uint8Array): void {
    this.#source.release?.(piece);
  }

  open(entry: ContainerEntry, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const { origin, range } = entry as PlacedEntry;
    if (range === undefined) return this.#archive.open(origin, signal);
    const offset = storedAt(origin);
    if (offset === undefined) return this.#part(origin, range, signal);
    return readWindows(this.#source, offset + range.start, offset + range.end, signal);
  }

  /** Of compressed text, what lies before must be inflated as well. */
  async *#part(origin: ContainerEntry, range: { start: number; end: number }, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const chunk of this.#archive.open(origin, signal)) {
      const part = chunk.subarray(Math.max(0, range.start - at), Math.max(0, range.end - at));
      at += chunk.length;
      if (part.length > 0) yield part;
      if (at >= range.end) return;
    }
  }

  async *#verify(entries: Iterable<ContainerEntry>, options?: { signal?: AbortSignal | undefined }): AsyncGenerator<HashedEntry> {
    const asked = [...entries] as PlacedEntry[];
    if (asked.some(({ range }) => range !== undefined)) throw new TypeError("a table is no entry of its own");
    let next = 0;
    for await (const { sha256 } of this.#archive.verify!(
      asked.map(({ origin }) => origin),
      options,
    ))
      yield { entry: asked[next++]!, sha256 };
  }
}

function sizes({ size, storedSize }: ContainerEntry) {
  return { size, storedSize };
}

function tableEntry({ name, start, end }: IndexedTable, db: ContainerEntry): PlacedEntry {
  const size = end - start;
  return {
    path: tablePath(name),
    size,
    storedSize: Math.round((size / db.size) * db.storedSize),
    origin: db,
    range: { start, end },
  };
}

/** Where an uncompressed entry's bytes lie in the archive, once its local header has been looked at. */
function storedAt(entry: ContainerEntry): number | undefined {
  const { deflated, dataOffset } = entry as Partial<ZipEntry>;
  return deflated === false ? dataOffset : undefined;
}

async function* readWindows(source: ByteSource, from: number, to: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; at += pieceLength) yield await source.read(at, Math.min(pieceLength, to - at), signal);
}

export function missingEntry(path: string): BackupError {
  return new BackupError("INTEGRITY_MISSING", `${path} is missing: the archive is incomplete`, { entry: path });
}
