import { CompactRow } from "../bundle/compact-row.ts";
import { tablePath } from "../bundle/layout.ts";
import type { Manifest, ManifestFile, ManifestTable } from "../bundle/manifest.ts";
import { readTableInSteps } from "../bundle/read-table.ts";
import { TableText } from "../bundle/table-text.ts";
import { givingBack } from "../byte-source.ts";
import { poolReference } from "../file-pool.ts";
import type { Bundle } from "../read-bundle.ts";
import { type FileInput, type TableInput, writeBundle } from "../write-bundle.ts";
import type { WriteLayoutOptions, WrittenLayout } from "../write-layout.ts";
import { openFile } from "./open-file.ts";

/** A bundle written anew, in either container: every row one line, every hash computed again. */
export async function writeHoldall(bundle: Bundle, options: WriteLayoutOptions): Promise<WrittenLayout> {
  const { table_counts: _, tables: records, files, warnings, settings, ...header } = bundle.manifest;
  const kept = [...warnings];
  const input = {
    header,
    tables: tablesOf(bundle, records, options.signal),
    files: () => filesOf(bundle, files, kept, options),
    warnings: kept,
    ...(settings === undefined ? {} : { settings }),
  };
  return { body: writeBundle(input, options), warnings: kept, fileName: () => nameOf(bundle.manifest, options.container) };
}

function nameOf({ scope, created_at }: Manifest, container: string): string {
  const date = new Date(created_at).toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
  return `${scope.name}-${date}.${container}`;
}

async function* tablesOf(bundle: Bundle, records: readonly ManifestTable[], signal?: AbortSignal): AsyncGenerator<TableInput> {
  for (const { name, columns, file_id } of records) {
    const text = new TableText();
    yield {
      name,
      columns,
      ...(file_id === undefined ? {} : { fileId: file_id }),
      body: canonicalText(bundle, name, text, signal),
      rows: () => text.rows,
    };
  }
}

async function* canonicalText(bundle: Bundle, name: string, text: TableText, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const compact = new CompactRow();
  const visitor = {
    row: (bytes: Uint8Array, fields: Parameters<CompactRow["of"]>[1], _place: unknown, start: number, end: number) =>
      text.add(compact.of(bytes, fields, start, end)),
  };
  const path = tablePath(name);
  const pieces = givingBack(bundle.open(path, signal), bundle.container);
  for await (const _ of readTableInSteps(pieces, path, visitor, bundle.limits.rowBytes)) yield* text.blocks();
  text.end();
  yield* text.blocks();
}

async function* filesOf(
  bundle: Bundle,
  files: readonly ManifestFile[],
  warnings: string[],
  options: WriteLayoutOptions,
): AsyncGenerator<FileInput> {
  for (const file of files) {
    const { id, name, object_key: objectKey, content_type: contentType, size, sha256 } = file;
    const stated = { id, name: name ?? id, objectKey, contentType, size, sha256 };
    const opened = await openFile(bundle, file, options);
    if (opened !== undefined) yield { ...stated, object: opened };
    else yield { ...stated, ...keptReference(file, warnings), object: file.stored === "missing" ? "missing" : "external" };
  }
}

/** A reference is by a content's hash here: where another layout has the file is nothing that a reader of the new bundle could use. */
function keptReference({ id, reference, sha256 }: ManifestFile, warnings: string[]): { reference?: string } {
  if (reference === undefined) return {};
  if (reference === poolReference(sha256 ?? "")) return { reference };
  warnings.push(`file ${id}: ${reference} is not there, and the bundle goes without it`);
  return {};
}
