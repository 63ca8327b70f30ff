/** What both containers share: entries going in, entries coming out. */

/** An entry to write. Bodies are consumed in order, each to its end before the next entry is requested. */
export interface EntryInput {
  path: string;
  /** `table` bodies are canonical table text, which the ndjson container carries as one row a line. */
  kind: "table" | "file" | "document";
  /** Bytes of the body where they are known beforehand; required for `file`. */
  size?: number;
  body: Uint8Array | AsyncIterable<Uint8Array>;
  /** SHA-256 of the body in lowercase hex; callable once the body has been consumed. */
  sha256?: () => string;
}

export interface WriteContainerOptions {
  /** Written as the time of every entry, so that the same data gives the same bytes. */
  modifiedAt: Date;
  signal?: AbortSignal;
  /**
   * The bytes given are valid only until the next are pulled, because their memory is used again: for consumers that have
   * written them by then, who save a copy and the collector's work.
   */
  reuseMemory?: boolean;
}

/** An entry that was found in a container; sizes are bytes. */
export interface ContainerEntry {
  path: string;
  /** Uncompressed size. */
  size: number;
  /** Bytes the entry takes in the container. */
  storedSize: number;
}

/** A container opened for reading, its structure checked. */
export interface Container {
  readonly kind: "zip" | "ndjson";
  readonly size: number;
  /** In the container's order. */
  readonly entries: readonly ContainerEntry[];
  /**
   * The entry's bytes, checked as they pass: size and CRC where the container has them. Fails with the code of what is
   * wrong; stopping early releases everything.
   */
  open(entry: ContainerEntry, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Takes pieces of `open` back that nobody looks at any more, as `ByteSource.release`. */
  release?(piece: Uint8Array): void;
  /**
   * Hashes many entries without giving their content, where the container can do that faster than `open` one by one: in the
   * order asked for, failing at the first bad one as `open` does.
   */
  verify?(entries: Iterable<ContainerEntry>, options?: { signal?: AbortSignal | undefined }): AsyncIterable<HashedEntry>;
}

export interface HashedEntry {
  entry: ContainerEntry;
  /** Lowercase hex. */
  sha256: string | undefined;
}
