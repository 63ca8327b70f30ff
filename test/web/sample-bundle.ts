import { TableText } from "../../engine/bundle/table-text.ts";
import { utf8 } from "../../engine/bytes.ts";
import type { Codec } from "../../engine/codec.ts";
import { createWebCodec } from "../../engine/codec-web.ts";
import { type FileInput, type TableInput, writeBundle } from "../../engine/write-bundle.ts";
import { noise } from "../engine/zip/content.ts";

export interface SampleOptions {
  container?: "zip" | "ndjson";
  /** Rows of the table `assets`; `reports` has one a file. */
  rows?: number;
  rowOf?: (number: number) => string;
  files?: number;
  /** Bytes of a file, by its number. */
  fileSize?: (number: number) => number;
  /** How a block of a large entry is packed, which is then in blocks, as a server packs it. */
  packBlock?: Codec["packBlock"];
}

export const row = (id: number) =>
  `{"id":${id},"kind":"host","address":"10.0.${(id >> 8) % 256}.${id % 256}","title":"größe ${id * 7919}","score":9007199254740993}`;
export const fileContent = (number: number, size: number) =>
  number % 2 === 0 ? noise(size) : utf8(`file ${number}\n`.repeat(Math.ceil(size / 7)).slice(0, size));

/** In a stream where nothing is said of blocks. */
function codecOf({ deflateStream, ...codec }: Codec, packBlock: Codec["packBlock"] | undefined): Codec {
  return packBlock === undefined ? { ...codec, ...(deflateStream && { deflateStream }) } : { ...codec, packBlock };
}

/** A bundle made by the engine in the page. */
export async function sampleBundle(options: SampleOptions = {}): Promise<File> {
  const { container = "zip", rows = 1000, rowOf = row, files = 10, fileSize = (n) => 1000 * (n + 1) } = options;
  const codec = codecOf(await createWebCodec(), options.packBlock);
  const header = {
    format: "holdall-bundle" as const,
    format_version: 1,
    app: { name: "sample", version: "1.0" },
    scope: { name: "sample", version: 1, fingerprint: "f" },
    created_at: "2026-01-02T03:04:06Z",
    options: { include_files: true },
  };
  async function* tables(): AsyncGenerator<TableInput> {
    yield table("assets", ["id", "kind", "address", "title", "score"], rows, rowOf);
    yield { ...table("reports", ["id", "file_id"], files, (n) => `{"id":${n},"file_id":"f${n}"}`), fileId: "file_id" };
  }
  async function* fileInputs(): AsyncGenerator<FileInput> {
    for (let n = 0; n < files; n++) {
      const size = fileSize(n);
      const object = { size, body: fileContent(n, size) };
      yield { id: `f${n}`, name: `report ${n}.txt`, objectKey: `k/${n}`, contentType: "text/plain", size, sha256: null, object };
    }
  }
  const parts: BlobPart[] = [];
  const bundle = { header, tables: tables(), files: fileInputs, warnings: ["one warning"] };
  for await (const part of writeBundle(bundle, { container, codec })) parts.push(part.slice());
  return new File(parts, `sample.${container}`);
}

function table(name: string, columns: string[], rows: number, rowOf: (n: number) => string): TableInput {
  async function* body() {
    const text = new TableText();
    for (let n = 0; n < rows; n++) {
      text.add(utf8(rowOf(n)));
      yield* text.blocks();
    }
    text.end();
    yield* text.blocks();
  }
  return { name, columns, body: body(), rows: () => rows };
}
