import type { ErrorCode, ErrorDetails } from "../errors.ts";
import { poolReference } from "../file-pool.ts";
import type { Bundle } from "../read-bundle.ts";
import type { Checksums } from "./checksums.ts";
import type { Findings } from "./findings.ts";
import { checksumsPath, manifestPath, roleOf, thinPath } from "./layout.ts";
import type { ManifestFile } from "./manifest.ts";

/** Holds what the manifest says of files against the entries, the checksums and the rows that claimed them. */
export class FilesCheck {
  readonly #bundle: Bundle;
  readonly #checksums: Checksums | null;
  readonly #findings: Findings;
  /** Ids of manifest files that a row has claimed. */
  readonly #claimed: ReadonlySet<string>;

  /** Without checksums, hashes are not compared with them. */
  constructor(bundle: Bundle, checksums: Checksums | null, findings: Findings, claimed: ReadonlySet<string>) {
    this.#bundle = bundle;
    this.#checksums = checksums;
    this.#findings = findings;
    this.#claimed = claimed;
  }

  #error(code: ErrorCode, message: string, details: ErrorDetails): void {
    this.#findings.error("files", code, message, details);
  }

  /** Whether the checksums, where there are any, say the same. */
  #isListed(path: string, sha256: string | null): boolean {
    return this.#checksums === null || this.#checksums.get(path) === sha256;
  }

  /** A thin bundle leaves out files that the manifest and the checksums state exactly as it does, and carries none of them. */
  omitted(): void {
    const stated = new Map(this.#bundle.manifest.files.map((file) => [file.path, file]));
    for (const { path, sha256, size } of this.#bundle.omitted.values()) {
      const details = { entry: path };
      const file = stated.get(path);
      if (this.#bundle.entry(path))
        this.#error("SCHEMA_MANIFEST", `${path} is carried and listed in ${thinPath} as left out`, details);
      if (file?.stored !== "bundle")
        this.#error("INTEGRITY_UNLISTED", `${path} is listed in ${thinPath} and in no manifest's list of files`, details);
      else if (file.size !== size)
        this.#error("INTEGRITY_SIZE", `${path}: ${thinPath} says ${size} bytes and the manifest ${file.size}`, details);
      else if (file.sha256 !== sha256 || !this.#isListed(path, sha256))
        this.#error("INTEGRITY_HASH", `${path}: ${thinPath} and the manifest disagree on its SHA-256`, details);
    }
  }

  /** The manifest's files and the bundle's file entries are the same, and so are their sizes and hashes. */
  listed(): void {
    const paths = new Set<string>();
    const ids = new Set<string>();
    const owned = this.#bundle.manifest.tables.some((table) => table.file_id !== undefined);
    this.#findings.examined("files", this.#bundle.manifest.files.length);
    for (const file of this.#bundle.manifest.files) {
      const details = { entry: file.path ?? manifestPath, file: file.id };
      if (ids.has(file.id)) this.#error("SCHEMA_MANIFEST", `file ${file.id} is listed twice in the manifest`, details);
      ids.add(file.id);
      if (owned && !this.#claimed.has(file.id))
        this.#findings.warn("files", "INTEGRITY_UNLISTED", `file ${file.id} belongs to no row`, details);
      this.#checkOne(file, paths, details);
    }
    for (const entry of this.#bundle.container.entries) {
      if (roleOf(entry.path)?.kind !== "file" || paths.has(entry.path)) continue;
      this.#error("INTEGRITY_UNLISTED", `${entry.path} is in no manifest's list of files`, { entry: entry.path });
    }
  }

  #checkOne(file: ManifestFile, paths: Set<string>, details: ErrorDetails): void {
    const role = file.path === null ? null : roleOf(file.path);
    if (file.reference !== undefined && !this.#mayRefer(file)) {
      const message = `file ${file.id} may not refer to ${file.reference}: a file that is external has its reference by its SHA-256`;
      this.#error("SCHEMA_MANIFEST", message, details);
    }
    if (file.stored !== "bundle") {
      if (file.path !== null) this.#error("SCHEMA_MANIFEST", `file ${file.id} is ${file.stored} and may have no path`, details);
    } else if (file.path === null || role?.kind !== "file" || role.id !== file.id || paths.has(file.path)) {
      const message = `file ${file.id} needs a path of its own, files/${file.id}/<name>`;
      this.#error("SCHEMA_MANIFEST", message, details);
    } else {
      paths.add(file.path);
      this.#checkCarried(file.path, file.size, file.sha256, details);
    }
  }

  /** A bundle may not make a reader look at other files of the folder that holds the pool. */
  #mayRefer({ stored, reference, sha256 }: ManifestFile): boolean {
    return stored === "external" && (this.#bundle.layout !== "holdall" || reference === poolReference(sha256 ?? ""));
  }

  #checkCarried(path: string, size: number | null, sha256: string | null, details: ErrorDetails): void {
    const found = this.#bundle.entry(path) ?? this.#bundle.omitted.get(path);
    if (found === undefined) {
      this.#error("INTEGRITY_MISSING", `${path} is listed in the manifest and missing`, details);
      return;
    }
    if (found.size !== size) {
      const message = `${path} has ${found.size} bytes and the manifest says ${size}`;
      this.#error("INTEGRITY_SIZE", message, details);
    }
    if (!this.#isListed(path, sha256)) {
      const message = `${path}: the manifest and ${checksumsPath} disagree on its SHA-256`;
      this.#error("INTEGRITY_HASH", message, details);
    }
  }
}
