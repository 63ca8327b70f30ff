import { type Check, type CheckedIssue, type CheckName, checkNames } from "../../engine/checks.ts";
import type { ErrorCode, ErrorDetails } from "../../engine/errors.ts";

/**
 * What the page and the Worker say to each other. Everything here is plain data, a Blob, a handle or a port: Comlink loses the
 * classes of errors, and an AbortSignal does not cross. The page uses `BundleClient` (client.ts), which starts the Worker and turns
 * failures into errors and signals into cancels again.
 *
 * The Worker needs of the page's Content-Security-Policy: `worker-src 'self'`, `script-src 'self' 'wasm-unsafe-eval'` (the hashes
 * are WebAssembly), `connect-src` with the origin of a bundle that is opened by its address, and where Trusted Types are
 * required `trusted-types holdall-worker`. The same headers must come with the Worker's script.
 */
export interface BundleWorker {
  /**
   * Opens a bundle in place and reads its directory and manifest only: nothing is copied, and a bundle of 10 GB takes no second.
   * An ndjson container has no directory: its lines are gone through once, with progress. Replaces the bundle that was open.
   * `origin` is a File, or the address of a bundle on a server that allows ranges.
   */
  open(origin: File | Blob | RemoteBundle, naming: Naming, task: TaskId, onProgress?: OnProgress): Promise<Answer<Inspection>>;
  /** Reads every byte of the open bundle, on all cores, and lists every check and every issue. */
  verify(task: TaskId, onProgress?: OnProgress): Promise<Answer<VerificationReport>>;
  /**
   * Rows of a table as they stand in the bundle. The first call far into a table finds where its rows lie (progress in rows and
   * bytes); from then on any row of a million is there at once. Rows of a bundle that was not verified may be damaged: such a
   * call fails with the code of what is wrong. `count` is at most 1,000; of large rows a page may hold fewer: ask for the rest.
   */
  rows(table: string, from: number, count: number, task: TaskId, onProgress?: OnProgress): Promise<Answer<RowPage>>;
  /** Files by the manifest's order. `count` is at most 5,000. */
  files(from: number, count: number): Promise<Answer<FilePage>>;
  /** The content of a file, its size and CRC checked where it is given whole; at most `maxBytes` of it. The Blob has no type. */
  fileBlob(path: string, maxBytes: number, task: TaskId): Promise<Answer<FileContent>>;
  /** Files that the bundle carries, by the manifest's order, to ask a server which of them it has. `count` is at most 5,000. */
  fileHashes(from: number, count: number): Promise<Answer<FileHashes>>;
  /**
   * The open bundle without the files whose indexes (see `fileHashes`) are in `omit`: a Blob made of slices of the chosen file, so that it
   * costs no packing, no copy and no memory. The same file and the same `omit` give the same bytes, also after a reload.
   */
  thin(omit: Uint32Array): Promise<Answer<ThinBundle>>;
  /**
   * Fetches an export as an ndjson stream and packs it as a ZIP, straight into the target. Every entry is held against the hash that the
   * server states. A stream that is cut or fails leaves no file that looks complete: the target is removed or emptied.
   */
  pack(
    request: ExportRequest,
    target: PackTarget,
    task: TaskId,
    onProgress?: (progress: PackProgress) => void,
  ): Promise<Answer<Packed>>;
  /** Removes a private file that `pack` made, once it was downloaded. */
  discard(name: string): Promise<Answer<null>>;
  /** Ends a task; its call answers with `CANCELLED`. Unknown tasks have ended already. */
  cancel(task: TaskId): Promise<void>;
  /** Closes the open bundle, ends its tasks and removes what was kept for it. */
  close(): Promise<void>;
}

/** Chosen by the page, never twice. */
export type TaskId = string;

export type Answer<T> = { ok: true; value: T } | { ok: false; error: Failure };

/** What went wrong, to be shown: `message` says what was found and where, `advice` what to do. */
export interface Failure {
  /** `INTERNAL` is a fault of the page's own. */
  code: ErrorCode | "CANCELLED" | "INTERNAL";
  message: string;
  advice: string;
  details: ErrorDetails;
  /** The check that failed, where a bundle could not be opened. */
  check?: CheckName;
  /** What the server answered, where it refused an export. */
  problem?: { title: string; status: number; detail: string; code?: string };
}

/** Of layouts whose file names say a hash of the content. */
export interface Naming {
  /** Another hash than the name says is a warning and no error. */
  acceptNameMismatch?: boolean;
}

export interface RemoteBundle {
  address: string;
  /** Sent with every request, for instance for authorization. */
  headers?: Record<string, string>;
}

export type OnProgress = (progress: WorkProgress) => void;

/** Comes at most ten times a second. */
export interface WorkProgress {
  /** Of `bytesTotal`; of `open` bytes of the container, else uncompressed. */
  bytesDone: number;
  bytesTotal: number;
  /** Rows looked at so far. */
  rows: number;
  /** Entries looked at so far, and how many there are. */
  entries: number;
  entriesTotal: number;
  /** One of the entries being worked on. */
  entry: string;
  /** Uncompressed bytes a second, over the last seconds. */
  bytesPerSecond: number;
  /** Seconds until the end at that speed; `null` where nothing can be said yet. */
  secondsLeft: number | null;
}

/** What a bundle says it is. Nothing of it is verified, and all of it is untrusted text. */
export interface Inspection {
  container: "zip" | "ndjson";
  /** Whose layout it is: `holdall`, or another product's. */
  layout: string;
  /** Bytes of the container. */
  size: number;
  /** The file's name, or the address. */
  name: string;
  app: { name: string; version: string };
  scope: { name: string; version: number; fingerprint: string };
  /** ISO 8601. */
  createdAt: string;
  options: Record<string, boolean>;
  tables: TableSummary[];
  files: {
    /** Carried by the bundle, or by a thin bundle's full one. */
    count: number;
    bytes: number;
    external: number;
    missing: number;
    /** Named by a thin bundle and not carried. */
    omitted: number;
  };
  entries: number;
  /** Uncompressed bytes of all entries, and what they take in the container. */
  bytes: number;
  storedBytes: number;
  warnings: string[];
  settings: boolean;
  thin: boolean;
  /** Whether `thin` can be made of it: a local file whose entries have plain names. */
  canThin: boolean;
}

export interface TableSummary {
  name: string;
  columns: string[];
  /** By the manifest. */
  rows: number;
  /** Uncompressed, and in the container; 0 where the entry is missing. */
  bytes: number;
  storedBytes: number;
  /** The column that names a row's file. */
  fileId?: string;
}

/** What is checked, in order, and how it came out. */
export { type Check, type CheckName, checkNames };

export interface ReportedIssue extends CheckedIssue {
  /** What to do about it. */
  advice: string;
}

/** Whether a report is bad for nothing but the file's name, which a person may accept (`Naming`). */
export function isOnlyNameMismatch({ valid, issues }: VerificationReport): boolean {
  const errors = issues.filter(({ severity }) => severity === "error");
  return !valid && errors.length === 1 && errors[0]!.details["accepted"] === false;
}

export interface VerificationReport {
  /** No issue is an error. */
  valid: boolean;
  /** All of `checkNames`, in order. */
  checks: Check[];
  /** At most 1,000, errors first. `details` has `entry`, and in a table `row` and `line`. */
  issues: ReportedIssue[];
  issuesTotal: number;
  /** Rows found, by table. */
  rows: Record<string, number>;
  entries: number;
  /** Uncompressed bytes read. */
  bytes: number;
  /** Files that a thin bundle names and does not carry. */
  omitted: number;
  seconds: number;
}

export interface RowPage {
  from: number;
  /** Rows of the table as far as known: the manifest's until it was gone through. */
  total: number;
  /** Raw JSON texts of rows. A row of more than 256 KB is cut, see `cut`. */
  rows: string[];
  /** Indexes in `rows` of texts that were cut, and so are no JSON. */
  cut: number[];
}

export interface FileRow {
  id: string;
  path: string | null;
  name: string;
  objectKey: string;
  /** Bytes. */
  size: number | null;
  sha256: string | null;
  contentType: string | null;
  /** `omitted`: a thin bundle names it and does not carry it. */
  stored: "bundle" | "external" | "missing" | "omitted";
}

export interface FilePage {
  from: number;
  total: number;
  files: FileRow[];
}

export interface FileContent {
  blob: Blob;
  /** Bytes of the whole file. */
  size: number;
  cut: boolean;
}

export interface FileHashes {
  total: number;
  /** `index` is what `thin` takes. */
  files: { index: number; path: string; size: number; sha256: string }[];
}

export interface ThinBundle {
  /** To upload. Reading it reads the chosen file; nothing of it is in memory but the directory. */
  blob: Blob;
  /** Identifies the bytes: the same fingerprint, the same upload to go on with. */
  fingerprint: string;
  /** Files left out, and the bytes of the container that they would have taken. */
  omitted: number;
  omittedBytes: number;
}

export interface ExportRequest {
  /** Answers with `application/x-ndjson`. Credentials of the page's own origin are sent. */
  url: string;
  method: string;
  headers: Record<string, string>;
  body?: string;
}

export type PackTarget =
  /** A file that the admin chose (File System Access). */
  | { handle: FileSystemFileHandle }
  /** An origin-private file, given back as a File to download. */
  | { privateName: string };

export interface PackProgress {
  /** Bytes of the stream, and of the ZIP so far. */
  bytesRead: number;
  bytesWritten: number;
  bytesPerSecond: number;
  /** What is being packed now. */
  entry: { kind: "table" | "file" | "document"; path: string };
  tables: number;
  rows: number;
  files: number;
}

export interface Packed {
  size: number;
  /** SHA-256 of the ZIP, lowercase hex. */
  sha256: string;
  tables: number;
  rows: number;
  files: number;
  warnings: string[];
  /** The file that was packed, in case of a private one: disk-backed, to be downloaded. */
  file: File | null;
  /** The server's suggestion. */
  suggestedName: string | null;
}
