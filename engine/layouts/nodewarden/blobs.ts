import { filePath } from "../../bundle/layout.ts";
import type { ManifestFile } from "../../bundle/manifest.ts";
import type { CheckedIssue } from "../../checks.ts";
import type { ContainerEntry } from "../../container.ts";
import type { ErrorCode } from "../../errors.ts";
import { attachmentsTable, type BlobName, blobPath, dbPath, isBlobPath, isSegment, referencePath } from "./format.ts";
import type { AttachmentRow } from "./index-db.ts";
import type { AttachmentBlob, NodewardenManifest } from "./manifest.ts";

/** The attachments of an archive: what its rows, its manifest and its entries say of them, held against each other. */
export class Blobs {
  readonly files: ManifestFile[] = [];
  /** The archive's entry of a file, by its path here. */
  readonly entries = new Map<string, ContainerEntry>();
  readonly issues: CheckedIssue[] = [];

  constructor(rows: readonly AttachmentRow[], manifest: NodewardenManifest, entries: readonly ContainerEntry[]) {
    const carried = new Map(entries.filter(({ path }) => isBlobPath(path)).map((entry) => [entry.path, entry]));
    const listed = new Map((manifest.attachmentBlobs ?? []).map((blob) => [referencePath(blob), blob]));
    for (const [i, row] of rows.entries()) this.#add(row, i + 1, carried, listed);
    const named = new Set([...this.entries.values()].map(({ path }) => path));
    for (const path of carried.keys()) {
      if (!named.has(path))
        this.#error("INTEGRITY_UNLISTED", `${path} belongs to no row of ${attachmentsTable}`, { entry: path });
    }
  }

  #add(
    { id: attachmentId, cipherId, size }: AttachmentRow,
    row: number,
    carried: ReadonlyMap<string, ContainerEntry>,
    listed: ReadonlyMap<string, AttachmentBlob>,
  ): void {
    const details = { entry: dbPath, table: attachmentsTable, row };
    if (attachmentId === undefined || cipherId === undefined || !isSegment(attachmentId) || !isSegment(cipherId)) {
      const message = `${dbPath}, table ${attachmentsTable}, row ${row}: its ids cannot stand in a path: letters, digits, . _ and -, at most 128`;
      this.#error("SCHEMA_ROW", message, details);
      return;
    }
    const name = { cipherId, attachmentId };
    const entry = carried.get(blobPath(name));
    const stated = listed.get(referencePath(name))?.sizeBytes;
    // An archive with some attachments has all of them; one with none refers to where they are beside it.
    if (entry === undefined && carried.size > 0)
      this.#error("INTEGRITY_MISSING", `${blobPath(name)} is missing: the row ${attachmentId} has no file`, details);
    if (entry !== undefined && stated !== undefined && entry.size !== stated) {
      const message = `${entry.path} has ${entry.size} bytes and the manifest says ${stated}`;
      this.#error("INTEGRITY_SIZE", message, { entry: entry.path });
    }
    this.#keep(name, entry, stated ?? size ?? null);
  }

  #keep(name: BlobName, entry: ContainerEntry | undefined, size: number | null): void {
    const id = name.attachmentId;
    const common = { id, name: id, object_key: `${name.cipherId}/${id}`, content_type: null, sha256: null };
    if (entry === undefined) {
      this.files.push({ ...common, path: null, size, stored: "external", reference: referencePath(name) });
      return;
    }
    const path = filePath(id, `${id}.bin`);
    this.entries.set(path, entry);
    this.files.push({ ...common, path, size: entry.size, stored: "bundle" });
  }

  #error(code: ErrorCode, message: string, details: CheckedIssue["details"]): void {
    this.issues.push({ check: "files", severity: "error", code, message, details });
  }
}
