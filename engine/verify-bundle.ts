import { checksumsPath, type EntryRole, isLayoutFolder, manifestPath, roleOf, tablePath } from "./bundle/layout.ts";
import type { Manifest } from "./bundle/manifest.ts";
import { readTable } from "./bundle/read-table.ts";
import { TableCheck } from "./bundle/table-check.ts";
import type { Codec } from "./codec.ts";
import type { ContainerEntry, HashedEntry } from "./container.ts";
import {
  type BackupError,
  type ErrorCode,
  type ErrorDetails,
  type Issue,
  issueFrom,
  rethrowUnlessBackupError,
} from "./errors.ts";
import type { NdjsonContainer } from "./ndjson/read-ndjson.ts";
import type { Bundle } from "./read-bundle.ts";

export interface VerifyOptions {
  codec: Codec;
  signal?: AbortSignal;
  onProgress?: (progress: VerifyProgress) => void;
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
  issues: Issue[];
  /** Rows found, by table. */
  rows: Record<string, number>;
  entries: number;
  /** Uncompressed bytes read. */
  bytes: number;
}

/** One table with many bad rows says enough with these. */
const maxIssues = 1000;

/**
 * Reads every byte of a bundle and holds it against its checksums and its manifest (DESIGN section 3, "valid only if").
 * Collects all issues; throws only when aborted or when the source fails.
 */
export async function verifyBundle(bundle: Bundle, options: VerifyOptions): Promise<Verification> {
  const verifier = new Verifier(bundle, options);
  verifier.checkListing();
  await verifier.checkEntries();
  verifier.checkFiles();
  return verifier.result();
}

class Verifier {
  readonly #bundle: Bundle;
  readonly #manifest: Manifest;
  readonly #options: VerifyOptions;
  readonly #issues: Issue[] = [];
  readonly #rows: Record<string, number> = {};
  /** Ids of manifest files that a row has claimed. */
  readonly #claimed = new Set<string>();
  readonly #fileIds: ReadonlySet<string>;
  readonly #bytesTotal: number;
  #valid = true;
  #bytesDone = 0;
  #rowsDone = 0;

  constructor(bundle: Bundle, options: VerifyOptions) {
    this.#bundle = bundle;
    this.#manifest = bundle.manifest;
    this.#options = options;
    this.#fileIds = new Set(bundle.manifest.files.map((file) => file.id));
    this.#bytesTotal = bundle.container.entries.reduce((sum, entry) => sum + entry.size, 0);
  }

  result(): Verification {
    const entries = this.#bundle.container.entries.length;
    return { valid: this.#valid, issues: this.#issues, rows: this.#rows, entries, bytes: this.#bytesDone };
  }

  #error(code: ErrorCode, message: string, details: ErrorDetails): void {
    this.#add({ severity: "error", code, message, details });
  }

  #warn(code: ErrorCode, message: string, details: ErrorDetails): void {
    this.#add({ severity: "warning", code, message, details });
  }

  /** Warnings may not crowd out the error that decides the verdict. */
  #add(issue: Issue): void {
    if (issue.severity === "error") this.#valid = false;
    if (this.#issues.length < maxIssues) this.#issues.push(issue);
  }

  /** Every entry is listed in checksums and every listed entry exists; every table is counted. */
  checkListing(): void {
    for (const path of this.#bundle.checksums.keys()) {
      if (path === checksumsPath) this.#error("INTEGRITY_UNLISTED", `${checksumsPath} may not list itself`, { entry: path });
      else if (!this.#bundle.entry(path))
        this.#error("INTEGRITY_MISSING", `${path} is listed in ${checksumsPath} and missing`, { entry: path });
    }
    for (const table of Object.keys(this.#manifest.table_counts)) {
      const entry = tablePath(table);
      if (!this.#bundle.entry(entry))
        this.#error("INTEGRITY_MISSING", `${entry} is counted in the manifest and missing`, { entry, table });
    }
  }

  /** Tables are walked row by row; of everything else only the hash is wanted, which a container may find faster for many. */
  async checkEntries(): Promise<void> {
    const hashed: ContainerEntry[] = [];
    for (const entry of this.#bundle.container.entries) {
      this.#options.signal?.throwIfAborted();
      const role = this.#placeOf(entry);
      if (role?.kind === "table") await this.#guarded(() => this.#readTableEntry(entry, role.table));
      else if (role !== null) hashed.push(entry);
    }
    for (let next = 0; next < hashed.length; next++) {
      await this.#guarded(async () => {
        for await (const { entry, sha256 } of this.#hashes(hashed.slice(next))) {
          this.#bytesDone += entry.size;
          this.#report(entry);
          this.#checkHash(entry, sha256);
          next++;
        }
      });
    }
  }

  #hashes(entries: readonly ContainerEntry[]): AsyncIterable<HashedEntry> {
    const { container } = this.#bundle;
    return container.verify?.(entries, { signal: this.#options.signal }) ?? this.#hashEach(entries);
  }

  async *#hashEach(entries: readonly ContainerEntry[]): AsyncGenerator<HashedEntry> {
    for (const entry of entries) {
      const hash = await this.#options.codec.createSha256();
      for await (const chunk of this.#bundle.container.open(entry, this.#options.signal)) hash.update(chunk);
      yield { entry, sha256: hash.digest() };
    }
  }

  /** What the entry is in the layout; `null` for what need not or may not be read. */
  #placeOf(entry: ContainerEntry): EntryRole | null {
    if (isLayoutFolder(entry.path) && entry.size === 0) return null;
    const role = roleOf(entry.path);
    if (role === null) {
      this.#error("INTEGRITY_UNLISTED", `${entry.path} has no place in a bundle`, { entry: entry.path });
    } else if (role.kind !== "checksums" && !this.#bundle.checksums.has(entry.path)) {
      this.#error("INTEGRITY_UNLISTED", `${entry.path} is not listed in ${checksumsPath}`, { entry: entry.path });
    }
    return role;
  }

  /** A bad entry is an issue and the others are still looked at; a source that cannot be read ends it all. */
  async #guarded(check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      rethrowUnlessBackupError(error);
      if (error.code.startsWith("IO_")) throw error;
      this.#add(issueFrom(error));
    }
  }

  async #readTableEntry(entry: ContainerEntry, table: string): Promise<void> {
    const hash = await this.#options.codec.createSha256();
    await this.#readTable(
      this.#tallied(entry, (chunk) => hash.update(chunk)),
      entry,
      table,
    );
    this.#checkHash(entry, hash.digest());
  }

  async *#tallied(entry: ContainerEntry, tally: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#bundle.container.open(entry, this.#options.signal)) {
      tally(chunk);
      this.#bytesDone += chunk.length;
      yield chunk;
      this.#report(entry);
    }
  }

  #report(entry: ContainerEntry): void {
    const { onProgress } = this.#options;
    onProgress?.({ entry: entry.path, bytesDone: this.#bytesDone, bytesTotal: this.#bytesTotal, rows: this.#rowsDone });
  }

  async #readTable(body: AsyncIterable<Uint8Array>, entry: ContainerEntry, table: string): Promise<void> {
    const record = this.#manifest.tables.find((item) => item.name === table);
    const check = new TableCheck(entry.path, record, this.#fileIds, this.#claimed);
    const before = this.#rowsDone;
    let failure: BackupError | undefined;
    const visitor = {
      row: (...row: Parameters<TableCheck["row"]>) => {
        this.#rowsDone++;
        check.row(...row);
      },
    };
    try {
      this.#rows[table] = await readTable(body, entry.path, visitor, this.#bundle.limits.rowBytes);
    } catch (error) {
      rethrowUnlessBackupError(error);
      failure = error;
    }
    for (const issue of check.issues) this.#add(issue);
    if (failure !== undefined) throw failure;
    this.#checkCounts(entry, table, this.#rowsDone - before);
  }

  #checkCounts(entry: ContainerEntry, table: string, rows: number): void {
    const details = { entry: entry.path, table };
    const counted = this.#manifest.table_counts[table];
    if (counted !== rows) {
      this.#error("INTEGRITY_COUNT", `${entry.path} has ${rows} rows and the manifest counts ${counted ?? "none"}`, details);
    }
    const record = this.#manifest.tables.find((item) => item.name === table);
    if (record !== undefined && (record.rows !== rows || record.bytes !== entry.size)) {
      const stated = `${record.rows} rows and ${record.bytes} bytes`;
      this.#error(
        "INTEGRITY_COUNT",
        `${entry.path} has ${rows} rows and ${entry.size} bytes; the manifest says ${stated}`,
        details,
      );
    }
  }

  #checkHash(entry: ContainerEntry, found: string | undefined): void {
    const details = { entry: entry.path, found };
    const listed = this.#bundle.checksums.get(entry.path);
    if (listed !== undefined && listed !== found) {
      this.#error(
        "INTEGRITY_HASH",
        `${entry.path}: its SHA-256 is not the one in ${checksumsPath}: the content was changed`,
        details,
      );
    }
    const { container } = this.#bundle;
    if (container.kind === "ndjson" && (container as NdjsonContainer).statedHash(entry) !== found) {
      this.#error(
        "INTEGRITY_HASH",
        `${entry.path}: its SHA-256 is not the one in its $end line: the content was changed`,
        details,
      );
    }
  }

  /** The manifest's files and the bundle's file entries are the same, and so are their sizes and hashes. */
  checkFiles(): void {
    const paths = new Set<string>();
    const ids = new Set<string>();
    const owned = this.#manifest.tables.some((table) => table.file_id !== undefined);
    for (const file of this.#manifest.files) {
      const details = { entry: file.path ?? manifestPath, file: file.id };
      if (ids.has(file.id)) this.#error("SCHEMA_MANIFEST", `file ${file.id} is listed twice in the manifest`, details);
      ids.add(file.id);
      if (owned && !this.#claimed.has(file.id)) this.#warn("INTEGRITY_UNLISTED", `file ${file.id} belongs to no row`, details);
      if (file.stored !== "bundle") {
        if (file.path !== null) this.#error("SCHEMA_MANIFEST", `file ${file.id} is ${file.stored} and may have no path`, details);
        continue;
      }
      const role = file.path === null ? null : roleOf(file.path);
      if (file.path === null || role?.kind !== "file" || role.id !== file.id || paths.has(file.path)) {
        this.#error("SCHEMA_MANIFEST", `file ${file.id} needs a path of its own, files/${file.id}/<name>`, details);
        continue;
      }
      paths.add(file.path);
      this.#checkFile(file.path, file.size, file.sha256, details);
    }
    for (const entry of this.#bundle.container.entries) {
      if (roleOf(entry.path)?.kind !== "file" || paths.has(entry.path)) continue;
      this.#error("INTEGRITY_UNLISTED", `${entry.path} is in no manifest's list of files`, { entry: entry.path });
    }
  }

  #checkFile(path: string, size: number | null, sha256: string | null, details: ErrorDetails): void {
    const entry = this.#bundle.entry(path);
    if (entry === undefined) {
      this.#error("INTEGRITY_MISSING", `${path} is listed in the manifest and missing`, details);
      return;
    }
    if (entry.size !== size) {
      this.#error("INTEGRITY_SIZE", `${path} has ${entry.size} bytes and the manifest says ${size}`, details);
    }
    if (this.#bundle.checksums.get(path) !== sha256) {
      this.#error("INTEGRITY_HASH", `${path}: the manifest and ${checksumsPath} disagree on its SHA-256`, details);
    }
  }
}
