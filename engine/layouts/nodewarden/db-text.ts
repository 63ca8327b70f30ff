import { tablePath } from "../../bundle/layout.ts";
import { readTableInSteps } from "../../bundle/read-table.ts";
import { givingBack } from "../../byte-source.ts";
import { utf8 } from "../../bytes.ts";
import { type RowFields, textOf } from "../../json/row.ts";
import type { Bundle } from "../../read-bundle.ts";
import { attachmentsTable, type BlobName, tables } from "./format.ts";
import { SqliteRow } from "./sqlite-row.ts";

export interface DbText {
  body: AsyncIterable<Uint8Array>;
  /** What the body holds, once it has been consumed. */
  rows: Record<string, number>;
  attachments: BlobName[];
}

const blockBytes = 256 * 1024;
const [firstRow, nextRow] = [utf8("\n"), utf8(",\n")];

/** db.json of a bundle, one row a line. Rows of attachments that `keeps` does not want are left out. */
export function dbText(bundle: Bundle, keeps: (attachmentId: string) => boolean, signal?: AbortSignal): DbText {
  const text: DbText = { body: undefined as never, rows: {}, attachments: [] };
  return Object.assign(text, { body: write(bundle, keeps, text, signal) });
}

async function* write(
  bundle: Bundle,
  keeps: (attachmentId: string) => boolean,
  text: DbText,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let separator = "{\n";
  for (const table of Object.keys(tables)) {
    yield utf8(`${separator}${JSON.stringify(table)}:[`);
    text.rows[table] = 0;
    if (Object.hasOwn(bundle.manifest.table_counts, table)) yield* rowsOf(bundle, table, keeps, text, signal);
    yield utf8("]");
    separator = ",\n";
  }
  yield utf8("\n}\n");
}

async function* rowsOf(
  bundle: Bundle,
  table: string,
  keeps: (attachmentId: string) => boolean,
  text: DbText,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const path = tablePath(table);
  const sqlite = new SqliteRow();
  const block = new Block();
  const visitor = {
    row(bytes: Uint8Array, fields: RowFields) {
      if (table === attachmentsTable && !takeAttachment(bytes, fields, keeps, text)) return;
      block.add(text.rows[table]!++ === 0 ? firstRow : nextRow);
      block.add(sqlite.of(bytes, fields));
    },
  };
  const pieces = givingBack(bundle.open(path, signal), bundle.container);
  for await (const _ of readTableInSteps(pieces, path, visitor, bundle.limits.rowBytes)) {
    if (block.length >= blockBytes) yield block.take();
  }
  if (block.length > 0) yield block.take();
}

/** Gathers rows: a chunk a row costs more in every stage behind than the copy. */
class Block {
  #bytes = new Uint8Array(2 * blockBytes);
  length = 0;

  add(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.length + bytes.length));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

function takeAttachment(bytes: Uint8Array, fields: RowFields, keeps: (id: string) => boolean, text: DbText): boolean {
  const name = { cipherId: "", attachmentId: "" };
  for (let i = 0; i < fields.count; i++) {
    const key = textOf(bytes, fields.keyStart[i]!, fields.keyEnd[i]!);
    const isText = bytes[fields.valueStart[i]!] === 0x22;
    if (key === "id" && isText) name.attachmentId = textOf(bytes, fields.valueStart[i]!, fields.valueEnd[i]!);
    if (key === "cipher_id" && isText) name.cipherId = textOf(bytes, fields.valueStart[i]!, fields.valueEnd[i]!);
  }
  if (!keeps(name.attachmentId)) return false;
  text.attachments.push(name);
  return true;
}
