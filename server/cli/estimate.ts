import { quoteIdent } from "../database/session.ts";
import type { Target } from "./target.ts";

export interface Estimate {
  /** By PostgreSQL's statistics; 0 where it has none. */
  rows: number;
  files: number;
}

/** How much an export will be about, for its progress line; takes milliseconds whatever the size. */
export async function estimateExport({ scope, connection: { sql } }: Pick<Target, "scope" | "connection">): Promise<Estimate> {
  const names = Object.keys(scope.tables).map((key) => key.split(".").map(quoteIdent).join("."));
  const rows = await sql`select n.name, c.reltuples::float8 as rows
    from json_array_elements_text(${JSON.stringify(names)}::text::json) with ordinality n(name, place) left join pg_class c on c.oid = to_regclass(n.name) order by n.place`;
  const known = rows.map((row) => Math.max(0, Number(row["rows"] ?? 0)));
  const owners = Object.values(scope.tables).map((table) => table.blob !== undefined);
  return { rows: sum(known), files: sum(known.filter((_, i) => owners[i])) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
