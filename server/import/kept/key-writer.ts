import type { RowFields } from "../../../engine/json/row.ts";
import { LineWriter, readLines } from "./line-file.ts";

const comma = 0x2c;
const nothing = new TextEncoder().encode("null");

/** Keeps the primary key of every row of a table as the bundle writes it: one JSON array a line, in the bundle's order. */
export class KeyWriter {
  readonly #lines: LineWriter;

  constructor(path: string) {
    this.#lines = new LineWriter(path);
  }

  /** `columns` are places in `found`, which says where each column's value is among the row's fields. */
  add(bytes: Uint8Array, fields: RowFields, columns: readonly number[], found: Int32Array): void {
    const lines = this.#lines;
    lines.begin();
    lines.byte(0x5b);
    for (let k = 0; k < columns.length; k++) {
      if (k > 0) lines.byte(comma);
      const field = found[columns[k]!]!;
      if (field === -1) lines.add(nothing);
      else lines.add(bytes, fields.valueStart[field]!, fields.valueEnd[field]!);
    }
    lines.byte(0x5d);
    lines.endLine();
  }

  flush(): Promise<void> {
    return this.#lines.flush();
  }

  close(): Promise<void> {
    return this.#lines.close();
  }
}

/** Keys of up to `count` rows from row `row` (1-based) on. */
export async function readKeys(path: string, row: number, count: number): Promise<string[][]> {
  return (await readLines(path, row - 1, count)).map(keyOf);
}

/** Numbers stay the digits that they are: a key may be larger than what JavaScript counts to. */
function keyOf(line: string): string[] {
  const values = [...line.matchAll(/"(?:[^"\\]|\\.)*"|[^[\],\s]+/g)].map(([text]) => text);
  return values.map((text) => (text.startsWith('"') ? (JSON.parse(text) as string) : text));
}
