import type { Checksums } from "./bundle/checksums.ts";
import type { Manifest } from "./bundle/manifest.ts";
import type { ManifestFiles } from "./bundle/manifest-files.ts";
import type { TableVisitor } from "./bundle/read-table.ts";
import type { Omitted } from "./bundle/thin.ts";
import type { ByteSource } from "./byte-source.ts";
import type { CheckedIssue } from "./checks.ts";
import type { Codec } from "./codec.ts";
import type { Container, ContainerEntry } from "./container.ts";
import type { FilePool } from "./file-pool.ts";
import { layoutOf } from "./layouts/index.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { type NdjsonContainer, openNdjson } from "./ndjson/read-ndjson.ts";
import { type ListedZip, listZip } from "./zip/list-zip.ts";
import { openZip, type ZipContainer } from "./zip/open-zip.ts";

export interface OpenBundleOptions {
  codec: Codec;
  limits?: Limits;
  signal?: AbortSignal;
  /**
   * When an entry's own records of a ZIP are held against its directory: at once (the default), or when it is read. The latter is for
   * whoever shows a bundle at once and verifies every entry afterwards.
   */
  records?: "at-once" | "when-read";
  /** Bytes of the container indexed so far, where it or its layout has no directory of what it holds. */
  onProgress?: (bytes: number) => void;
  /** The file's name, where a layout says something of the content in it. */
  name?: string;
  /** A name that says another hash than the file has is a warning and no error. */
  acceptNameMismatch?: boolean;
}

/** A bundle whose container is sound and whose manifest is read; nothing else of it is trusted yet. */
export interface Bundle {
  /** Name of the layout it was found in; paths and manifest are Holdall's own in any case. */
  readonly layout: string;
  readonly container: Container;
  readonly manifest: Manifest;
  /** The manifest's `files`, for whoever looks at some of them. */
  readonly files: ManifestFiles;
  /**
   * Reads them when they are first asked for, where a ZIP's records are looked at when read; fails with `SCHEMA_MANIFEST`. `null` in a
   * layout that has none: what a verification finds then stands for them (`withHashes`).
   */
  readonly checksums: (() => Promise<Checksums>) | null;
  /** Files that a thin bundle names and does not carry, by path; empty for a full one. */
  readonly omitted: Omitted;
  readonly limits: Limits;
  entry(path: string): ContainerEntry | undefined;
  open(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Visits every row of a table; see `readTable`. */
  readRows(table: string, visitor: TableVisitor, signal?: AbortSignal): Promise<number>;
  /** What the layout asks beyond what a verification checks of every bundle. Fails as the source does. */
  check?(options: { signal?: AbortSignal | undefined; pool?: FilePool | undefined }): AsyncIterable<CheckedIssue>;
}

/**
 * Opens either container from its first bytes, in any layout: directory and manifest only where there is a directory, so that it is
 * quick on any size.
 * @throws BackupError with the code of what is wrong with the container, the manifest or the checksums.
 */
export async function openBundle(source: ByteSource, options: OpenBundleOptions): Promise<Bundle> {
  const limits = options.limits ?? defaultLimits;
  const container = await openContainer(source, { ...options, limits });
  return layoutOf(container).open(container, { ...options, source, limits });
}

/** Either container, by its first byte. */
export async function openContainer(
  source: ByteSource,
  options: OpenBundleOptions & { limits: Limits },
): Promise<ZipContainer | ListedZip | NdjsonContainer> {
  const first = source.size > 0 ? (await source.read(0, 1, options.signal))[0] : undefined;
  if (first === 0x7b) return openNdjson(source, options);
  return options.records === "when-read" ? listZip(source, options) : openZip(source, options);
}
