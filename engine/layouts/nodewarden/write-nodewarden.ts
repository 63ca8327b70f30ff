import { manifestPath } from "../../bundle/layout.ts";
import type { ManifestFile } from "../../bundle/manifest.ts";
import { utf8 } from "../../bytes.ts";
import type { EntryInput } from "../../container.ts";
import { BackupError } from "../../errors.ts";
import type { Bundle } from "../../read-bundle.ts";
import type { WriteLayoutOptions, WrittenLayout } from "../../write-layout.ts";
import { writeZip } from "../../zip/write-zip.ts";
import { openFile } from "../open-file.ts";
import { checkDb } from "./check-db.ts";
import { type DbText, dbText } from "./db-text.ts";
import {
  archiveBytes,
  attachmentsTable,
  type BlobName,
  blobPath,
  dbPath,
  formatVersion,
  isSegment,
  scopeName,
  tables,
} from "./format.ts";
import { overLimits } from "./restore-limits.ts";

/** What is known of db.json before it is written. */
interface MeasuredDb {
  bytes: number;
  rows: Record<string, number>;
  attachments: BlobName[];
}

/**
 * An archive as NodeWarden itself makes and restores it: no entry but its own, in its order. Tables are read before anything is written,
 * because the manifest, which counts them, comes first, and because a ZIP without ZIP64 needs sizes beforehand.
 */
export async function writeNodewarden(bundle: Bundle, options: WriteLayoutOptions): Promise<WrittenLayout> {
  if (bundle.manifest.scope.name !== scopeName) {
    const message = `a NodeWarden archive holds a ${scopeName}, and the bundle is of the scope ${bundle.manifest.scope.name}`;
    throw new BackupError("SCHEMA_SCOPE", message, { found: bundle.manifest.scope.name, expected: scopeName });
  }
  if (options.container !== "zip") throw new BackupError("REQUEST_INVALID", "a NodeWarden archive is a ZIP");
  const files = await filesThere(bundle, options);
  const keeps = (id: string) => files.has(id);
  const db = await measure(dbText(bundle, keeps, options.signal));
  await assertRestorable(bundle, db, keeps, options.signal);
  const manifest = utf8(JSON.stringify(manifestOf(bundle, db, files), null, 2));
  const { created_at } = bundle.manifest;
  const entries = entriesOf(bundle, { manifest, db, files, keeps }, options);
  const { codec, level, signal, reuseMemory } = options;
  const body = writeZip(entries, {
    codec,
    modifiedAt: new Date(created_at),
    ...(level !== undefined && { level }),
    ...(signal && { signal }),
    ...(reuseMemory && { reuseMemory }),
  });
  const sizes = { manifest: manifest.length, db: db.bytes, files: sum(db, files) };
  const warnings = [...leftOut(bundle, db), ...overLimits({ ...sizes, entries: db.attachments.length + 2 })];
  return { body: counted(body, warnings), warnings, fileName: (sha256) => fileName(created_at, sha256) };
}

/** The usual name: the time of the export in UTC and the first digits of the file's SHA-256. */
function fileName(createdAt: string, sha256: string): string {
  const [date, time] = new Date(createdAt).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").split("T");
  return `nodewarden_backup_${date}_${time}_${sha256.slice(0, 5)}.zip`;
}

/** Sizes of the attachments that can be written, by id. */
async function filesThere(
  bundle: Bundle,
  { pool, signal }: WriteLayoutOptions,
): Promise<Map<string, ManifestFile & { size: number }>> {
  const found = new Map<string, ManifestFile & { size: number }>();
  for (const file of bundle.manifest.files) {
    const size = file.path === null ? undefined : bundle.entry(file.path)?.size;
    const inPool = size === undefined && file.reference !== undefined ? await pool?.stat(file.reference, signal) : undefined;
    const bytes = size ?? inPool?.size;
    if (bytes !== undefined) found.set(file.id, { ...file, size: bytes });
  }
  return found;
}

async function measure(text: DbText): Promise<MeasuredDb> {
  let bytes = 0;
  for await (const chunk of text.body) bytes += chunk.length;
  return { bytes, rows: text.rows, attachments: text.attachments };
}

/** What NodeWarden refuses is refused here, before anything is written. */
async function assertRestorable(
  bundle: Bundle,
  db: MeasuredDb,
  keeps: (id: string) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  const open = () => dbText(bundle, keeps, signal).body;
  const [first, ...more] = await checkDb(open, { rows: db.rows, rowBytes: bundle.limits.rowBytes });
  if (first !== undefined) {
    const others = more.length > 0 ? ` (and ${more.length} more)` : "";
    throw new BackupError(first.code, `NodeWarden would refuse this: ${first.message}${others}`, first.details);
  }
  const strange = db.attachments.find(({ cipherId, attachmentId }) => !isSegment(cipherId) || !isSegment(attachmentId));
  if (strange === undefined) return;
  const message = `NodeWarden would refuse the attachment ${strange.attachmentId}: an id in a path is letters, digits, . _ and -, at most 128`;
  throw new BackupError("SCHEMA_ROW", message, { table: attachmentsTable });
}

function manifestOf({ manifest }: Bundle, db: MeasuredDb, files: ReadonlyMap<string, { size: number }>) {
  const attachmentBlobs = db.attachments.map(({ cipherId, attachmentId }) => ({
    cipherId,
    attachmentId,
    blobName: `${cipherId}/${attachmentId}`,
    sizeBytes: files.get(attachmentId)!.size,
  }));
  return {
    formatVersion,
    exportedAt: new Date(manifest.created_at).toISOString(),
    appVersion: manifest.app.version,
    storageKind: null,
    tableCounts: db.rows,
    includes: { attachments: attachmentBlobs.length > 0 || manifest.options["include_attachments"] === true },
    blobSummary: {
      attachmentFiles: attachmentBlobs.length,
      totalBytes: attachmentBlobs.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
      largestObjectBytes: attachmentBlobs.reduce((most, { sizeBytes }) => Math.max(most, sizeBytes), 0),
    },
    attachmentBlobs,
  };
}

async function* entriesOf(
  bundle: Bundle,
  parts: {
    manifest: Uint8Array;
    db: MeasuredDb;
    files: ReadonlyMap<string, ManifestFile & { size: number }>;
    keeps: (id: string) => boolean;
  },
  options: WriteLayoutOptions,
): AsyncGenerator<EntryInput> {
  yield { path: manifestPath, kind: "document", size: parts.manifest.length, body: parts.manifest };
  yield { path: dbPath, kind: "document", size: parts.db.bytes, body: dbText(bundle, parts.keeps, options.signal).body };
  for (const name of parts.db.attachments) {
    const file = parts.files.get(name.attachmentId)!;
    const opened = await openFile(bundle, file, options);
    if (opened === undefined)
      throw new BackupError("INTEGRITY_MISSING", `${blobPath(name)}: the file is gone since it was looked at`);
    yield { path: blobPath(name), kind: "file", size: file.size, body: opened.body };
  }
}

function sum({ attachments }: MeasuredDb, files: ReadonlyMap<string, { size: number }>): number {
  return attachments.reduce((total, { attachmentId }) => total + files.get(attachmentId)!.size, 0);
}

function leftOut({ manifest }: Bundle, db: MeasuredDb): string[] {
  const others = Object.entries(manifest.table_counts).filter(([name, rows]) => rows > 0 && !Object.hasOwn(tables, name));
  const attachments = (manifest.table_counts[attachmentsTable] ?? 0) - db.rows[attachmentsTable]!;
  return [
    ...others.map(([name]) => `the table ${name} has no place in a NodeWarden archive and was left out`),
    ...(attachments === 0
      ? []
      : [`${attachments} attachments were left out: NodeWarden refuses rows whose file is not in the archive`]),
  ];
}

/** The archive's own size is known at its end only: what does not compress may bring it over the limit of what it unpacks to. */
async function* counted(body: AsyncIterable<Uint8Array>, warnings: string[]): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes > archiveBytes && warnings.every((text) => !text.includes("it unpacks to")))
    warnings.push(`NodeWarden will not restore this archive: it has ${bytes} bytes, and it takes at most ${archiveBytes}`);
}
