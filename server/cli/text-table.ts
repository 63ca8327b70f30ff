import type { Paint } from "./paint.ts";

export interface TextColumn {
  title: string;
  /** Numbers stand under their last digit. */
  right?: boolean;
}

/** Rows under a heading, columns aligned. Cells must be safe for a terminal already. */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[], paint: Paint): string {
  const widths = columns.map(({ title }, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ""))));
  const line = (cells: readonly string[]) => columns.map((column, i) => pad(cells[i] ?? "", widths[i]!, column.right)).join("  ");
  const heading = line(columns.map(({ title }) => title)).trimEnd();
  return [paint.bold(heading), ...rows.map((row) => line(row).trimEnd())].join("\n");
}

/** Labels in a column, what they say beside them. */
export function fields(pairs: readonly (readonly [string, string])[], paint: Paint): string {
  const widest = Math.max(...pairs.map(([label]) => width(label)));
  return pairs.map(([label, text]) => `${paint.bold(pad(label, widest))}  ${text}`).join("\n");
}

export function indented(lines: readonly string[], by = "  "): string {
  return lines.map((line) => by + line).join("\n");
}

function pad(text: string, to: number, right = false): string {
  const spaces = " ".repeat(Math.max(0, to - width(text)));
  return right ? spaces + text : text + spaces;
}

function width(text: string): number {
  // Names of tables and numbers; what is wider than a column (CJK) only shifts what follows.
  return Array.from(text).length;
}
