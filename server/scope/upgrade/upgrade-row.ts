import { concat, utf8 } from "../../../engine/bytes.ts";
import { type RowFields, textOf } from "../../../engine/json/row.ts";
import type { UpgradeStep } from "./steps.ts";

export type ColumnStep = Extract<UpgradeStep, { table: string }>;

/** A row's columns, in order, with the bytes of their JSON. */
export type Columns = Map<string, Uint8Array>;

export function columnsOf(bytes: Uint8Array, fields: RowFields): Columns {
  const columns: Columns = new Map();
  for (let i = 0; i < fields.count; i++) {
    const key = textOf(bytes, fields.keyStart[i]!, fields.keyEnd[i]!);
    columns.set(key, bytes.subarray(fields.valueStart[i]!, fields.valueEnd[i]!));
  }
  return columns;
}

export function rowBytes(columns: Columns): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of columns) parts.push(utf8(`${parts.length === 0 ? "{" : ","}${JSON.stringify(name)}:`), value);
  return concat([...parts, utf8(parts.length === 0 ? "{}" : "}")]);
}

const decoder = new TextDecoder();

/** Applies a step to a row; values that it does not name keep their bytes. */
export function upgradeRow(columns: Columns, step: ColumnStep): Columns {
  if ("renameColumn" in step) return renamed(columns, step.renameColumn, step.to);
  if ("dropColumn" in step) columns.delete(step.dropColumn);
  else if ("setColumn" in step) set(columns, step.setColumn, step.value);
  else map(columns, step.mapColumn, step.values);
  return columns;
}

function renamed(columns: Columns, from: string, to: string): Columns {
  if (!columns.has(from)) return columns;
  // Its place among the columns stays.
  return new Map([...columns].filter(([name]) => name !== to).map(([name, value]) => [name === from ? to : name, value]));
}

function set(columns: Columns, column: string, value: Extract<ColumnStep, { setColumn: string }>["value"]): void {
  const text = typeof value === "string" ? value : value((name) => read(columns, name));
  if (text !== undefined) columns.set(column, utf8(text));
}

function map(columns: Columns, column: string, values: Record<string, string>): void {
  const found = read(columns, column);
  if (found !== undefined && Object.hasOwn(values, found)) columns.set(column, utf8(values[found]!));
}

function read(columns: Columns, name: string): string | undefined {
  const value = columns.get(name);
  return value === undefined ? undefined : decoder.decode(value);
}
