import type { ErrorCode, Issue } from "./errors.ts";

/** What is checked of a bundle, in the order in which it is checked and shown. */
export const checkNames = [
  /** Records of the container: every byte belongs to exactly one, and directory, headers and descriptors agree. */
  "structure",
  /** Paths are safe, unique on every system, and have a place in a bundle. */
  "names",
  /** Sizes, counts and ratios are within what a reader accepts. */
  "limits",
  /** manifest.json has the shape and version of a bundle. */
  "manifest",
  /** Every entry is listed in checksums.json and every listed entry is there. */
  "listing",
  /** Every entry unpacks to exactly the size and CRC declared. */
  "contents",
  /** Every entry has the SHA-256 that checksums.json states. */
  "hashes",
  /** Every table is a JSON array of rows with the columns that the manifest names. */
  "rows",
  /** The manifest's numbers of rows and bytes are those found. */
  "counts",
  /** Every file of a row and of the manifest is there, with its size and hash, or marked as left out. */
  "files",
] as const;
export type CheckName = (typeof checkNames)[number];

export interface Check {
  name: CheckName;
  status: "passed" | "warned" | "failed";
  /** How many things were looked at: records, paths, rows … */
  examined: number;
  errors: number;
  warnings: number;
}

/** An issue and the check that found it. */
export interface CheckedIssue extends Issue {
  check: CheckName;
}

/** The check that a failure belongs to. A damaged deflate stream has the code of a damaged record: whoever unpacks knows better. */
export function checkOf(code: ErrorCode): CheckName {
  const exact = byCode[code];
  if (exact !== undefined) return exact;
  const family = code.slice(0, code.indexOf("_"));
  return byFamily[family] ?? "structure";
}

const byCode: Partial<Record<ErrorCode, CheckName>> = {
  INTEGRITY_CRC: "contents",
  INTEGRITY_SIZE: "contents",
  INTEGRITY_HASH: "hashes",
  INTEGRITY_COUNT: "counts",
  INTEGRITY_MISSING: "listing",
  INTEGRITY_UNLISTED: "listing",
  SCHEMA_ROW: "rows",
  SCHEMA_TABLE: "rows",
  LIMIT_ROW_BYTES: "rows",
};

const byFamily: Record<string, CheckName> = { PATH: "names", LIMIT: "limits", SCHEMA: "manifest" };

/** Where an entry's content fails, whatever records are called. */
export function checkOfContent(code: ErrorCode): CheckName {
  return code.startsWith("ZIP_") ? "contents" : checkOf(code);
}
