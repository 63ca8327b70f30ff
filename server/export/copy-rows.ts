import { Readable } from "node:stream";
import type { Sql } from "postgres";
import { TableText } from "../../engine/bundle/table-text.ts";
import { databaseError } from "../database/connect.ts";
import { bytesPassed } from "../external-memory.ts";
import type { ResolvedTable } from "../scope/resolve-scope.ts";
import { copyQuery } from "./table-query.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x01;
const space = 0x20;

export interface TableRows {
  /** Canonical table text. */
  body: AsyncIterable<Uint8Array>;
  rows(): number;
}

/** Streams a table out of PostgreSQL: rows are bytes from its socket on and are never parsed. */
export function copyRows(sql: Sql, table: ResolvedTable): TableRows {
  const text = new TableText();
  return { body: streamRows(sql, table, text), rows: () => text.rows };
}

async function* streamRows(sql: Sql, table: ResolvedTable, text: TableText): AsyncGenerator<Uint8Array> {
  let readable: Readable | undefined;
  try {
    readable = await openCopy(sql, copyQuery(table));
    for await (const chunk of readable as AsyncIterable<Uint8Array>) {
      yield* addRows(chunk, text);
      bytesPassed(chunk.length);
    }
    // postgres.js 3.4 pauses the socket on a full stream and resumes it when the stream asks for more, which one that has
    // ended never does: without this, the next answer of the session may never be read.
    readable._read(0);
    yield text.end();
  } catch (cause) {
    throw databaseError(cause, `table ${table.key}`);
  } finally {
    readable?.destroy();
  }
}

/**
 * PostgreSQL may say "here it comes" and "it failed" in one packet: the stream then fails before whoever awaits it can listen,
 * which would end the process. The query's own `resolve` is called in time.
 */
export function openCopy(sql: Sql, statement: string): Promise<Readable> {
  const query = sql.unsafe(statement);
  const opening = query as unknown as { resolve(result: unknown): void };
  const { resolve } = opening;
  opening.resolve = (result) => {
    // Whoever reads the stream gets the error all the same. The same function also takes the command's end.
    if (result instanceof Readable) result.on("error", () => {});
    resolve(result);
  };
  return query.readable();
}

/** A chunk holds whole rows: each is one message of the protocol, and messages are never split. */
function* addRows(chunk: Uint8Array, text: TableText): Generator<Uint8Array> {
  for (let start = 0; start < chunk.length; ) {
    const quoted = chunk[start] === quote;
    const end = quoted ? quotedEnd(chunk, start) : chunk.indexOf(newline, start);
    const row = quoted ? withoutLineBreaks(chunk.subarray(start + 1, end - 1)) : chunk.subarray(start, end);
    const full = text.add(row);
    if (full !== null) yield full;
    start = end + 1;
  }
}

function quotedEnd(chunk: Uint8Array, start: number): number {
  return chunk.indexOf(quote, start + 1) + 1;
}

/** Between the tokens of JSON a line break means what a space means; within strings it is always escaped. */
function withoutLineBreaks(row: Uint8Array): Uint8Array {
  return row.map((byte) => (byte === newline || byte === carriageReturn ? space : byte));
}
