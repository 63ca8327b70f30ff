import { giveBlock, isBlock } from "../block-pool.ts";
import type { BundleHeader } from "../bundle/manifest.ts";
import { collect, concat, utf8 } from "../bytes.ts";
import type { Codec } from "../codec.ts";
import type { EntryInput, WriteContainerOptions } from "../container.ts";
import { BackupError } from "../errors.ts";
import { RowLines } from "./row-lines.ts";

export interface WriteNdjsonOptions extends WriteContainerOptions {
  header: BundleHeader;
  codec: Codec;
}

/**
 * The ndjson container: control lines, rows one a line, raw file bytes behind a line that counts them. A failure gives a
 * last `$error` line and is then thrown, so that a pipe shows the cause and a reader never takes the rest for whole.
 */
export async function* writeNdjson(entries: AsyncIterable<EntryInput>, options: WriteNdjsonOptions): AsyncGenerator<Uint8Array> {
  yield line({ $holdall: 1, ...options.header });
  let written = 0;
  try {
    for await (const entry of entries) {
      options.signal?.throwIfAborted();
      yield* writeEntry(entry, options.codec);
      written++;
    }
  } catch (error) {
    if (error instanceof BackupError) yield line({ $error: { code: error.code, message: error.message } });
    throw error;
  }
  yield doneLine(written);
}

async function* writeEntry(entry: EntryInput, codec: Codec): AsyncGenerator<Uint8Array> {
  if (entry.kind === "table") yield* writeTable(entry);
  else if (entry.kind === "file") yield* writeFile(entry);
  else yield* writeDocument(entry, codec);
}

async function* writeTable(entry: EntryInput): AsyncGenerator<Uint8Array> {
  yield line({ $table: entry.path });
  const rows = new RowLines();
  for await (const chunk of parts(entry.body)) {
    const lines = rows.take(chunk);
    if (isBlock(chunk)) giveBlock(chunk);
    if (lines.length > 0) yield lines;
  }
  yield line({ $end: entry.path, rows: rows.count, sha256: entry.sha256?.() });
}

async function* writeFile(entry: EntryInput): AsyncGenerator<Uint8Array> {
  const { path, size } = entry;
  if (size === undefined) throw new TypeError(`${path}: the ndjson container needs a file's size beforehand`);
  yield line({ $file: path, bytes: size });
  let sent = 0;
  for await (const chunk of parts(entry.body)) {
    sent += chunk.length;
    if (sent > size) break;
    yield chunk;
  }
  if (sent !== size) {
    throw new BackupError("IO_SOURCE", `${path}: the object changed its size while it was read; export again`, { entry: path });
  }
  yield concat([utf8("\n"), line({ $end: path, bytes: size, sha256: entry.sha256?.() })]);
}

async function* writeDocument(entry: EntryInput, codec: Codec): AsyncGenerator<Uint8Array> {
  const body = await collect(entry.body);
  yield* documentLines(entry.path, body, await codec.sha256(body));
}

/** The two lines of a document, which is text. */
export function documentLines(path: string, body: Uint8Array, sha256: string): Uint8Array[] {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  return [line({ $document: path, text }), line({ $end: path, bytes: body.length, sha256 })];
}

/** The line that closes the stream. */
export function doneLine(entries: number): Uint8Array {
  return line({ $done: { entries } });
}

async function* parts(body: EntryInput["body"]): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

function line(value: object): Uint8Array {
  return utf8(`${JSON.stringify(value)}\n`);
}
