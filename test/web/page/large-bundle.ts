import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { utf8 } from "../../../engine/bytes.ts";
import { type FileInput, type TableInput, writeBundle } from "../../../engine/write-bundle.ts";
import { nodeCodec } from "../../../server/codec-node.ts";
import type { TestInstallation } from "../../server/http/installation.ts";

/** Bytes that do not compress, the same for the same number. */
export function content(number: number, size: number): Buffer {
  const key = createHash("sha256").update(`content ${number}`).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export const row = (number: number) => `{"id":${number},"name":"event ${number * 7919}","at":"2026-01-02T03:04:05Z"}`;

/** A bundle of an unknown table with many rows and of large files; an installation of the easm scope drops it, with a warning. */
export async function writeLargeBundle(path: string, { rows, files }: { rows: number; files: Buffer[] }): Promise<void> {
  async function* tables(): AsyncGenerator<TableInput> {
    yield { name: "events", columns: ["id", "name", "at"], body: lines(rows, row), rows: () => rows };
    const line = (n: number) => `{"id":${n},"file_id":"f${n}"}`;
    yield {
      name: "event_files",
      columns: ["id", "file_id"],
      fileId: "file_id",
      body: lines(files.length, line),
      rows: () => files.length,
    };
  }
  async function* inputs(): AsyncGenerator<FileInput> {
    for (const [n, body] of files.entries()) {
      const size = body.length;
      yield {
        id: `f${n}`,
        name: `${n}.bin`,
        objectKey: `large/${n}`,
        contentType: null,
        size,
        sha256: null,
        object: { size, body },
      };
    }
  }
  const header = {
    format: "holdall-bundle" as const,
    format_version: 1,
    app: { name: "easm", version: "1.0" },
    scope: { name: "easm", version: 1, fingerprint: "f" },
    created_at: "2026-01-02T03:04:06Z",
    options: { include_files: true },
  };
  const out = createWriteStream(path);
  const bundle = { header, tables: tables(), files: inputs, warnings: [] };
  for await (const part of writeBundle(bundle, { container: "zip", codec: nodeCodec, level: 1 })) {
    if (!out.write(part.slice())) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}

/** Table text as the writer has it, many rows at a time. */
async function* lines(rows: number, line: (number: number) => string): AsyncGenerator<Uint8Array> {
  yield utf8("[\n");
  for (let from = 0; from < rows; from += 10_000) {
    const count = Math.min(10_000, rows - from);
    const text = Array.from({ length: count }, (_, i) => line(from + i)).join(",\n");
    yield utf8(from + count < rows ? `${text},\n` : `${text}\n`);
  }
  yield utf8("]\n");
}

/** Puts contents behind as many of the installation's file rows. */
export async function replaceFiles({ db, store }: TestInstallation, bodies: readonly Buffer[]): Promise<void> {
  const rows = await db.sql`select id from files order by id limit ${bodies.length}`;
  for (const [i, body] of bodies.entries()) {
    const { id } = rows[i]!;
    const [key, sha256] = [`large/${id}`, createHash("sha256").update(body).digest("hex")];
    await store.create(key, oneChunk(body), { size: body.length, sha256 });
    await db.sql`update files set object_key = ${key}, size_bytes = ${body.length}, sha256 = ${sha256} where id = ${id}`;
  }
}

async function* oneChunk(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}
