import { FilesCheck } from "./bundle/check-files.ts";
import type { Checksums } from "./bundle/checksums.ts";
import { Findings } from "./bundle/findings.ts";
import { checksumsPath, type EntryRole, isLayoutFolder, roleOf, tablePath } from "./bundle/layout.ts";
import type { Manifest } from "./bundle/manifest.ts";
import {
  type CheckContext,
  type CheckedEntry,
  checkInOrder,
  type EntryChecker,
  type EntryTask,
  failureIn,
} from "./check-entries.ts";
import { checkReferences } from "./check-references.ts";
import { type Check, type CheckedIssue, type CheckName, checkOf } from "./checks.ts";
import type { Codec } from "./codec.ts";
import type { ContainerEntry } from "./container.ts";
import type { ErrorCode, ErrorDetails } from "./errors.ts";
import type { FilePool } from "./file-pool.ts";
import type { NdjsonContainer } from "./ndjson/read-ndjson.ts";
import type { Bundle } from "./read-bundle.ts";

export interface VerifyOptions {
  codec: Codec;
  signal?: AbortSignal;
  onProgress?: (progress: VerifyProgress) => void;
  /** Who reads the entries, where it is not the thread that calls. */
  check?: EntryChecker;
  /** Told the SHA-256 of every entry whose content is whole, and of every file of the pool that is. */
  onHash?: (path: string, sha256: string) => void;
  /** Where the files are that the bundle refers to: they are then read as well, and what is missing or another is an error. */
  pool?: FilePool;
}

export interface VerifyProgress {
  entry: string;
  /** Uncompressed bytes. */
  bytesDone: number;
  bytesTotal: number;
  rows: number;
}

export interface Verification {
  /** No issue is an error. */
  valid: boolean;
  /** Every check, in order. */
  checks: Check[];
  /** At most 1,000, errors first. */
  issues: CheckedIssue[];
  /** All issues, also those beyond the first 1,000. */
  issuesTotal: number;
  /** Rows found, by table. */
  rows: Record<string, number>;
  entries: number;
  /** Uncompressed bytes of the entries that could be read whole. */
  bytes: number;
  /** Files that a thin bundle names and does not carry. */
  omitted: number;
}

/**
 * Reads every byte of a bundle and holds it against its checksums and its manifest (DESIGN section 3, "valid only if").
 * Collects all issues; throws only when aborted or when the source fails.
 */
export async function verifyBundle(bundle: Bundle, options: VerifyOptions): Promise<Verification> {
  const findings = new Findings();
  const verifier = new Verifier(bundle, await checksumsOf(bundle, findings), findings, options);
  verifier.checkListing();
  await verifier.checkEntries();
  verifier.checkFiles();
  await verifier.checkLayout();
  await verifier.checkReferences();
  return verifier.result();
}

/** Nothing where they cannot be read: a finding, after which no hash can be compared and everything else still can. */
async function checksumsOf(bundle: Bundle, findings: Findings): Promise<Checksums | null> {
  try {
    return (await bundle.checksums?.()) ?? null;
  } catch (error) {
    const { issue } = failureIn(error, checkOf);
    findings.add("listing", issue);
    return null;
  }
}

class Verifier {
  readonly #bundle: Bundle;
  readonly #checksums: Checksums | null;
  readonly #manifest: Manifest;
  readonly #options: VerifyOptions;
  readonly #findings: Findings;
  readonly #rows: Record<string, number> = {};
  /** Ids of manifest files that a row has claimed. */
  readonly #claimed = new Set<string>();
  readonly #bytesTotal: number;
  /** Of what is under way, for progress: what comes from other threads may come late. */
  #bytesDone = 0;
  #bytesWhole = 0;
  #rowsDone = 0;

  constructor(bundle: Bundle, checksums: Checksums | null, findings: Findings, options: VerifyOptions) {
    this.#bundle = bundle;
    this.#checksums = checksums;
    this.#findings = findings;
    this.#manifest = bundle.manifest;
    this.#options = options;
    this.#bytesTotal = bundle.container.entries.reduce((sum, entry) => sum + entry.size, 0);
    const { length } = bundle.container.entries;
    // Without these three the bundle would not have been opened; a ZIP's records are checked further as they are read.
    for (const check of ["structure", "names", "limits"] as const) this.#findings.examined(check, length);
    this.#findings.examined("manifest", 1);
  }

  result(): Verification {
    const { valid, checks, issues, total } = this.#findings;
    const entries = this.#bundle.container.entries.length;
    const omitted = this.#bundle.omitted.size;
    return { valid, checks, issues, issuesTotal: total, rows: this.#rows, entries, bytes: this.#bytesWhole, omitted };
  }

  #error(check: CheckName, code: ErrorCode, message: string, details: ErrorDetails): void {
    this.#findings.error(check, code, message, details);
  }

  /** Every entry is listed in checksums and every listed entry exists; every table is counted. */
  checkListing(): void {
    const { omitted } = this.#bundle;
    this.#findings.examined("listing", this.#checksums?.size ?? 0);
    for (const path of this.#checksums?.keys() ?? []) {
      const details = { entry: path };
      if (path === checksumsPath) this.#error("listing", "INTEGRITY_UNLISTED", `${checksumsPath} may not list itself`, details);
      else if (!this.#bundle.entry(path) && !omitted.has(path))
        this.#error("listing", "INTEGRITY_MISSING", `${path} is listed in ${checksumsPath} and missing`, details);
    }
    for (const table of Object.keys(this.#manifest.table_counts)) {
      const entry = tablePath(table);
      if (!this.#bundle.entry(entry))
        this.#error("listing", "INTEGRITY_MISSING", `${entry} is counted in the manifest and missing`, { entry, table });
    }
  }

  async checkEntries(): Promise<void> {
    const { container, limits } = this.#bundle;
    const { codec, signal, check = checkInOrder } = this.#options;
    const onProgress: CheckContext["onProgress"] = (entry, bytes, rows) => this.#report(entry, bytes, rows);
    const release = (piece: Uint8Array) => container.release?.(piece);
    const context = { container, codec, rowBytes: limits.rowBytes, release, signal, onProgress };
    for await (const found of check([...this.#tasks()], context)) this.#take(found);
  }

  *#tasks(): Generator<EntryTask> {
    const allIds = new Set(this.#manifest.files.map((file) => file.id));
    const none: ReadonlySet<string> = new Set();
    for (const entry of this.#bundle.container.entries) {
      const role = this.#placeOf(entry);
      if (role === null) continue;
      if (role.kind !== "table") yield { entry };
      else {
        const record = this.#manifest.tables.find((item) => item.name === role.table);
        yield { entry, table: { name: role.table, record, fileIds: record?.file_id === undefined ? none : allIds } };
      }
    }
  }

  /** What the entry is in the layout; `null` for what need not or may not be read. */
  #placeOf(entry: ContainerEntry): EntryRole | null {
    if (isLayoutFolder(entry.path) && entry.size === 0) return null;
    const role = roleOf(entry.path);
    const details = { entry: entry.path };
    if (role === null) {
      this.#error("names", "INTEGRITY_UNLISTED", `${entry.path} has no place in a bundle`, details);
    } else if (role.kind !== "checksums" && role.kind !== "thin" && this.#checksums?.has(entry.path) === false) {
      this.#error("listing", "INTEGRITY_UNLISTED", `${entry.path} is not listed in ${checksumsPath}`, details);
    }
    return role;
  }

  #report(entry: ContainerEntry, bytes: number, rows: number): void {
    this.#bytesDone += bytes;
    this.#rowsDone += rows;
    const { onProgress } = this.#options;
    onProgress?.({ entry: entry.path, bytesDone: this.#bytesDone, bytesTotal: this.#bytesTotal, rows: this.#rowsDone });
  }

  #take({ entry, sha256, failure, table }: CheckedEntry): void {
    this.#findings.examined("contents", 1);
    if (table !== undefined) this.#takeTable(entry, table, failure === undefined);
    if (failure !== undefined) this.#findings.add(failure.check, failure.issue);
    else {
      this.#bytesWhole += entry.size;
      this.#checkHash(entry, sha256);
    }
  }

  #takeTable(entry: ContainerEntry, table: NonNullable<CheckedEntry["table"]>, whole: boolean): void {
    const role = roleOf(entry.path) as EntryRole & { kind: "table" };
    this.#findings.examined("rows", table.rows);
    for (const issue of table.issues) this.#findings.add(issue.code === "INTEGRITY_MISSING" ? "files" : "rows", issue);
    this.#findings.count("rows", "error", table.moreErrors);
    this.#findings.count("rows", "warning", table.moreWarnings);
    for (const id of table.claimed) this.#claimed.add(id);
    if (!whole) return;
    this.#rows[role.table] = table.rows;
    this.#checkCounts(entry, role.table, table.rows);
  }

  #checkCounts(entry: ContainerEntry, table: string, rows: number): void {
    const details = { entry: entry.path, table };
    const counted = this.#manifest.table_counts[table];
    this.#findings.examined("counts", 1);
    if (counted !== rows) {
      const message = `${entry.path} has ${rows} rows and the manifest counts ${counted ?? "none"}`;
      this.#error("counts", "INTEGRITY_COUNT", message, details);
    }
    const record = this.#manifest.tables.find((item) => item.name === table);
    if (record !== undefined && (record.rows !== rows || record.bytes !== entry.size)) {
      const stated = `${record.rows} rows and ${record.bytes} bytes`;
      const message = `${entry.path} has ${rows} rows and ${entry.size} bytes; the manifest says ${stated}`;
      this.#error("counts", "INTEGRITY_COUNT", message, details);
    }
  }

  #checkHash(entry: ContainerEntry, found: string | undefined): void {
    const { container } = this.#bundle;
    this.#findings.examined("hashes", 1);
    if (found !== undefined) this.#options.onHash?.(entry.path, found);
    const differs = (where: string) => {
      const message = `${entry.path}: its SHA-256 is not the one in ${where}: the content was changed`;
      this.#error("hashes", "INTEGRITY_HASH", message, { entry: entry.path, found });
    };
    const listed = this.#checksums?.get(entry.path);
    if (listed !== undefined && listed !== found) differs(checksumsPath);
    if (container.kind === "ndjson" && (container as NdjsonContainer).statedHash(entry) !== found) differs("its $end line");
  }

  checkFiles(): void {
    const check = new FilesCheck(this.#bundle, this.#checksums, this.#findings, this.#claimed);
    check.omitted();
    check.listed();
  }

  async checkLayout(): Promise<void> {
    const { check } = this.#bundle;
    const { signal, pool } = this.#options;
    if (check === undefined) return;
    for await (const { check: name, ...issue } of check({ signal, pool })) this.#findings.add(name, issue);
  }

  async checkReferences(): Promise<void> {
    const { pool, codec, signal, onHash } = this.#options;
    if (pool === undefined || !this.#findings.valid) return;
    for await (const found of checkReferences(this.#manifest.files, pool, { codec, signal })) {
      this.#findings.examined("files", 1);
      if (found.issue !== undefined) this.#findings.add("files", found.issue);
      else onHash?.(found.file.reference, found.sha256);
    }
  }
}
