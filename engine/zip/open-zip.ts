import type { ByteSource } from "../byte-source.ts";
import type { Codec } from "../codec.ts";
import type { Container, ContainerEntry } from "../container.ts";
import { BackupError } from "../errors.ts";
import { defaultLimits, type Limits } from "../limits.ts";
import { assertNoCollisions } from "../paths.ts";
import { readDirectory } from "./central-directory.ts";
import { findDirectory } from "./end-of-directory.ts";
import type { ListedEntry, ZipEntry } from "./entry.ts";
import { type ReadEntry, readEntries } from "./read-entries.ts";
import { readEntry } from "./read-entry.ts";
import { checkTiling } from "./tiling.ts";
import { type VerifiedEntry, type VerifyOptions, verifyEntries } from "./verify-entries.ts";

export interface OpenZipOptions {
  codec: Codec;
  limits?: Limits | undefined;
  signal?: AbortSignal | undefined;
}

/** A ZIP archive opened for reading. `entries` are in the order of their data, folders among them. */
export interface ZipContainer extends Container {
  readonly kind: "zip";
  readonly entries: readonly ZipEntry[];
  /**
   * Checks the content of `entries` (all by default) without giving it, several at once, and yields their hashes in the order
   * asked for. Fails as `open` does, at the first bad entry.
   */
  verify(entries?: Iterable<ContainerEntry>, options?: VerifyOptions): AsyncIterable<VerifiedEntry>;
  /** The content of many entries in the order asked for, read ahead: much faster than `open` for each of many small ones. */
  readAll(entries?: Iterable<ZipEntry>, options?: VerifyOptions): AsyncIterable<ReadEntry>;
}

/**
 * Opens a ZIP archive and checks its whole structure: end records, directory, names, and every local header and
 * descriptor, so that each byte belongs to exactly one record. No content is inflated; `open` checks size and CRC as it reads.
 * Fails with a `ZIP_`, `PATH_`, `LIMIT_` or `INTEGRITY_SIZE` code, with `IO_SOURCE`, or with `signal.reason`.
 */
export async function openZip(source: ByteSource, options: OpenZipOptions): Promise<ZipContainer> {
  const context = { codec: options.codec, limits: options.limits ?? defaultLimits, signal: options.signal };
  assertArchiveBytes(source.size, context.limits);
  const extent = await findDirectory(source, context.signal);
  const listed = await readDirectory(source, extent, context);
  assertListed(listed, source.size, context.limits);
  await checkTiling(source, extent.offset, listed, context);
  const entries: readonly ZipEntry[] = listed;
  return {
    kind: "zip",
    size: source.size,
    entries,
    open: (entry: ContainerEntry, signal?: AbortSignal) => readEntry(source, entry as ZipEntry, context.codec, signal),
    release: (piece: Uint8Array) => source.release?.(piece),
    verify: (some: Iterable<ContainerEntry> = entries, verifyOptions?: VerifyOptions) =>
      verifyEntries(source, some as Iterable<ZipEntry>, context.codec, verifyOptions),
    readAll: (some: Iterable<ZipEntry> = entries, readOptions?: VerifyOptions) =>
      readEntries(source, some, context.codec, readOptions),
  };
}

export function assertArchiveBytes(size: number, limits: Limits): void {
  if (size > limits.archiveBytes) {
    throw new BackupError("LIMIT_ARCHIVE_BYTES", `the archive has ${size} bytes; at most ${limits.archiveBytes} are allowed`);
  }
}

/** What must hold for all entries together, whichever way the archive is read. */
export function assertListed(entries: readonly ListedEntry[], archiveSize: number, limits: Limits): void {
  assertTotals(entries, archiveSize, limits);
  assertNoCollisions(entries.map((entry) => entry.path));
  // Readers that do not know the Unicode path record see the raw names.
  if (entries.some((entry) => entry.rawName !== undefined))
    assertNoCollisions(entries.map((entry) => entry.rawName ?? entry.path));
}

function assertTotals(entries: readonly ListedEntry[], archiveSize: number, limits: Limits): void {
  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (total > limits.totalBytes) {
    throw new BackupError("LIMIT_TOTAL_BYTES", `the archive unpacks to ${total} bytes; at most ${limits.totalBytes} are allowed`);
  }
  if (total > limits.ratioFloorBytes && total > archiveSize * limits.ratio) {
    throw new BackupError(
      "LIMIT_RATIO",
      `the archive grows from ${archiveSize} to ${total} bytes, more than ${limits.ratio} times`,
    );
  }
}
