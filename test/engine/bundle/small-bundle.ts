import { TableText } from "../../../engine/bundle/table-text.ts";
import { utf8 } from "../../../engine/bytes.ts";
import type { Codec } from "../../../engine/codec.ts";
import { type BundleInput, type FileInput, type TableInput, writeBundle } from "../../../engine/write-bundle.ts";
import { collected } from "../zip/content.ts";

const header: BundleInput["header"] = {
  format: "holdall-bundle",
  format_version: 1,
  app: { name: "small", version: "1" },
  scope: { name: "small", version: 1, fingerprint: "0".repeat(64) },
  created_at: "2026-01-02T03:04:06.000Z",
  options: { include_files: true },
};

const tables = {
  things: ['{"id":1,"name":"größe","big":9007199254740993}', '{"id":2,"name":null,"big":0}'],
  files: ['{"id":"f1","name":"a report.txt","size":5}'],
  nothing: [],
};

async function* tableInputs(): AsyncGenerator<TableInput> {
  for (const [name, rows] of Object.entries(tables)) {
    const text = new TableText();
    for (const row of rows) text.add(utf8(row));
    text.end();
    const columns = Object.keys(JSON.parse(rows[0] ?? "{}"));
    async function* body() {
      yield* text.blocks();
    }
    yield { name, columns, body: body(), rows: () => rows.length, ...(name === "files" ? { fileId: "id" } : {}) };
  }
}

async function* fileInputs(): AsyncGenerator<FileInput> {
  const file = { name: "a report.txt", objectKey: "reports/a report.txt", contentType: "text/plain", size: 5, sha256: null };
  yield { ...file, id: "f1", object: { size: 5, body: utf8("hello") } };
}

/** A bundle of everything there is, a few kilobytes long, the same on every run. */
export function smallBundle(codec: Codec, container: "zip" | "ndjson"): Promise<Uint8Array> {
  const input = { header, tables: tableInputs(), files: fileInputs, warnings: [] };
  return collected(writeBundle(input, { container, codec }));
}
