import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import type postgres from "postgres";
import { openCopyIn } from "../../database/copy-in.ts";

export type Field = string | number | bigint | boolean | null;
/** Column name to value, as PostgreSQL reads it in text form. Every row of a table has the same columns in the same order. */
export type Row = Record<string, Field>;
export type Rows = Iterable<Row> | AsyncIterable<Row>;
export type Connection = postgres.Sql | postgres.TransactionSql;

const chunkCharacters = 128 * 1024;
/** Foreign keys are checked at a statement's end, and PostgreSQL remembers every row until then. */
const rowsPerStatement = 100_000;

const escapes: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function encodeField(field: Field): string {
  if (field === null) return "\\N";
  if (typeof field !== "string") return String(field);
  return /[\\\t\n\r]/.test(field) ? field.replace(/[\\\t\n\r]/g, (character) => escapes[character]!) : field;
}

function encodeRow(row: Row): string {
  let line = "";
  for (const column in row) line += `${encodeField(row[column]!)}\t`;
  return `${line.slice(0, -1)}\n`;
}

/** PostgreSQL's array literal. */
export function arrayLiteral(items: readonly (string | number | null)[]): string {
  return `{${items.map(arrayItem).join(",")}}`;
}

function arrayItem(item: string | number | null): string {
  if (item === null) return "NULL";
  const text = String(item);
  return /^[A-Za-z0-9_.:-]+$/.test(text) && !/^null$/i.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

type Progress = (rows: number) => void;

/** Writes rows by COPY, as fast as PostgreSQL takes them and never further ahead than a chunk. */
export async function copyRows(sql: Connection, table: string, rows: Rows, onRows?: Progress): Promise<number> {
  const iterator = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
  const state: CopyState = { iterator, pending: await iterator.next(), written: 0 };
  while (!state.pending.done) {
    const columns = Object.keys(state.pending.value).map((name) => `"${name}"`);
    const sink = await openCopyIn(sql, `COPY ${table} (${columns.join(", ")}) FROM STDIN`);
    await pipeline(() => statementChunks(state), sink);
    onRows?.(state.written);
  }
  return state.written;
}

interface CopyState {
  iterator: Iterator<Row> | AsyncIterator<Row>;
  pending: IteratorResult<Row>;
  written: number;
}

async function* statementChunks(state: CopyState): AsyncGenerator<string> {
  const end = state.written + rowsPerStatement;
  let chunk = "";
  while (!state.pending.done && state.written < end) {
    chunk += encodeRow(state.pending.value);
    state.written++;
    const step = state.iterator.next();
    state.pending = step instanceof Promise ? await step : step;
    if (chunk.length >= chunkCharacters) {
      yield chunk;
      chunk = "";
      // A socket that takes every chunk at once never lets the event loop read what PostgreSQL answers.
      await setImmediate();
    }
  }
  if (chunk !== "") yield chunk;
}
