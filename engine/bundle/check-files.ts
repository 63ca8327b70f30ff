import type { CheckName } from "../checks.ts";
import type { ErrorCode, ErrorDetails } from "../errors.ts";
import type { Bundle } from "../read-bundle.ts";
import type { Checksums } from "./checksums.ts";
import type { Findings } from "./findings.ts";
import { checksumsPath, manifestPath, roleOf, thinPath } from "./layout.ts";
import type { ManifestFile } from "./manifest.ts";

/** Holds the manifest's files against the entries, the checksums, and the rows that name them. */
export class FilesCheck {
  readonly #bundle: Bundle;
  readonly #checksums: Checksums | undefined;
  readonly #findings: Findings;
  readonly #claimed: ReadonlySet<string>;

  /** `claimed`: ids of files that a row has named. Without checksums hashes are not compared with them. */
  constructor(bundle: Bundle, checksums: Checksums | undefined, findings: Findings, claimed: ReadonlySet<string>) {
    this.#bundle = bundle;
    this.#checksums = checksums;
    this.#findings = findings;
    this.#claimed = claimed;
  }

  check(): void {
    this.#checkOmitted();
    this.#checkFiles();
  }

  #error(check: CheckName, code: ErrorCode, message: string, details: ErrorDetails): void {
    this.#findings.error(check, code, message, details);
  }

  #isListed(path: string, sha256: string | null): boolean {
    return this.#checksums === undefined || this.#checksums.get(path) === sha256;
  }

  /** A thin bundle leaves out files that the manifest and the checksums state exactly as it does, and carries none of them. */
  #checkOmitted(): void {
    const stated = new Map(this.#bundle.manifest.files.map((file) => [file.path, file]));
    for (const { path, sha256, size } of this.#bundle.omitted.values()) {
      const details = { entry: path };
      const file = stated.get(path);
      if (this.#bundle.entry(path))
        this.#error("files", "SCHEMA_MANIFEST", `${path} is carried and listed in ${thinPath} as left out`, details);
      if (file?.stored !== "bundle")
        this.#error(
          "files",
          "INTEGRITY_UNLISTED",
          `${path} is listed in ${thinPath} and in no manifest's list of files`,
          details,
        );
      else if (file.size !== size)
        this.#error("files", "INTEGRITY_SIZE", `${path}: ${thinPath} says ${size} bytes and the manifest ${file.size}`, details);
      else if (file.sha256 !== sha256 || !this.#isListed(path, sha256))
        this.#error("files", "INTEGRITY_HASH", `${path}: ${thinPath} and the manifest disagree on its SHA-256`, details);
    }
  }

  /** The manifest's files and the bundle's file entries are the same, and so are their sizes and hashes. */
  #checkFiles(): void {
    const paths = new Set<string>();
    const ids = new Set<string>();
    const owned = this.#bundle.manifest.tables.some((table) => table.file_id !== undefined);
    this.#findings.examined("files", this.#bundle.manifest.files.length);
    for (const file of this.#bundle.manifest.files) {
      const details = { entry: file.path ?? manifestPath, file: file.id };
      if (ids.has(file.id)) this.#error("files", "SCHEMA_MANIFEST", `file ${file.id} is listed twice in the manifest`, details);
      ids.add(file.id);
      if (owned && !this.#claimed.has(file.id))
        this.#findings.warn("files", "INTEGRITY_UNLISTED", `file ${file.id} belongs to no row`, details);
      this.#checkListed(file, paths, details);
    }
    for (const entry of this.#bundle.container.entries) {
      if (roleOf(entry.path)?.kind !== "file" || paths.has(entry.path)) continue;
      this.#error("files", "INTEGRITY_UNLISTED", `${entry.path} is in no manifest's list of files`, { entry: entry.path });
    }
  }

  #checkListed(file: ManifestFile, paths: Set<string>, details: ErrorDetails): void {
    const role = file.path === null ? null : roleOf(file.path);
    if (file.stored !== "bundle") {
      if (file.path !== null)
        this.#error("files", "SCHEMA_MANIFEST", `file ${file.id} is ${file.stored} and may have no path`, details);
    } else if (file.path === null || role?.kind !== "file" || role.id !== file.id || paths.has(file.path)) {
      const message = `file ${file.id} needs a path of its own, files/${file.id}/<name>`;
      this.#error("files", "SCHEMA_MANIFEST", message, details);
    } else {
      paths.add(file.path);
      this.#checkFile(file.path, file.size, file.sha256, details);
    }
  }

  #checkFile(path: string, size: number | null, sha256: string | null, details: ErrorDetails): void {
    const found = this.#bundle.entry(path) ?? this.#bundle.omitted.get(path);
    if (found === undefined) {
      this.#error("files", "INTEGRITY_MISSING", `${path} is listed in the manifest and missing`, details);
      return;
    }
    if (found.size !== size) {
      const message = `${path} has ${found.size} bytes and the manifest says ${size}`;
      this.#error("files", "INTEGRITY_SIZE", message, details);
    }
    if (!this.#isListed(path, sha256)) {
      const message = `${path}: the manifest and ${checksumsPath} disagree on its SHA-256`;
      this.#error("files", "INTEGRITY_HASH", message, details);
    }
  }
}
