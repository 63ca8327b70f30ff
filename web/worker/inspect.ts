import { tablePath, thinPath } from "../../engine/bundle/layout.ts";
import type { ManifestFile } from "../../engine/bundle/manifest.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { FileRow, Inspection, TableSummary } from "./protocol.ts";

/** What a bundle says it is. */
export function inspect(bundle: Bundle, name: string, canThin: boolean): Inspection {
  const { container, manifest } = bundle;
  const { app, scope, created_at, options, warnings, settings } = manifest;
  return {
    container: container.kind,
    layout: bundle.layout,
    size: container.size,
    name,
    app: { name: app.name, version: app.version },
    scope: { name: scope.name, version: scope.version, fingerprint: scope.fingerprint },
    createdAt: created_at,
    options,
    tables: manifest.tables.map((table) => tableSummary(bundle, table)),
    files: fileCounts(bundle),
    entries: container.entries.length,
    bytes: container.entries.reduce((sum, entry) => sum + entry.size, 0),
    storedBytes: container.entries.reduce((sum, entry) => sum + entry.storedSize, 0),
    warnings,
    settings: settings !== undefined,
    thin: bundle.entry(thinPath) !== undefined,
    canThin,
  };
}

function tableSummary(bundle: Bundle, table: Bundle["manifest"]["tables"][number]): TableSummary {
  const entry = bundle.entry(tablePath(table.name));
  const { name, columns, rows, file_id } = table;
  const sizes = { bytes: entry?.size ?? 0, storedBytes: entry?.storedSize ?? 0 };
  return { name, columns, rows, ...sizes, ...(file_id === undefined ? {} : { fileId: file_id }) };
}

function fileCounts({ files, omitted }: Bundle): Inspection["files"] {
  const { bundle: count, bytes, external, missing } = files.counts;
  return { count, bytes, external, missing, omitted: omitted.size };
}

export function fileRow(file: ManifestFile, { omitted }: Bundle): FileRow {
  const { id, path, object_key, size, sha256, content_type } = file;
  const name = file.name ?? path?.slice(path.lastIndexOf("/") + 1) ?? object_key;
  const stored = path !== null && omitted.has(path) ? "omitted" : file.stored;
  return { id, path, name, objectKey: object_key, size, sha256, contentType: content_type, stored };
}
