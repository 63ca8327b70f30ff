/** Bounds on what a reader accepts. Every one is checked before memory or disk is spent on what it bounds. */
export interface Limits {
  /** Size of the whole container. */
  archiveBytes: number;
  entries: number;
  /** Uncompressed size of one entry. */
  entryBytes: number;
  /** Uncompressed size of all entries. */
  totalBytes: number;
  /** Uncompressed to compressed, per entry and for the whole; judged only above `ratioFloorBytes`. */
  ratio: number;
  /** Uncompressed bytes below which a ratio means nothing. */
  ratioFloorBytes: number;
  /** One row of a table. */
  rowBytes: number;
  /** manifest.json and checksums.json, which are held in memory. */
  documentBytes: number;
}

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;

export const defaultLimits: Readonly<Limits> = Object.freeze({
  archiveBytes: 1024 * GiB,
  entries: 2_000_000,
  entryBytes: 512 * GiB,
  totalBytes: 2048 * GiB,
  ratio: 200,
  ratioFloorBytes: 64 * MiB,
  rowBytes: 64 * MiB,
  documentBytes: 256 * MiB,
});
