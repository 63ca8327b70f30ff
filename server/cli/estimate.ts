import { quoteIdent, quoteTableKey } from "../database/session.ts";
import type { Target } from "./target.ts";

export interface Estimate {
  /** By PostgreSQL's statistics; 0 where it has none. */
  rows: number;
  /** Bytes of stored objects, as their rows say. */
  fileBytes: number;
}

/** How much an export will be about, for its progress line. */
export async function estimateExport({ scope, connection: { sql } }: Pick<Target, "scope" | "connection">): Promise<Estimate> {
  const tables = Object.entries(scope.tables).map(([key, { blob }]) => ({
    name: quoteTableKey(key),
    blob,
  }));
  const names = JSON.stringify(tables.map(({ name }) => name));
  const [known] = await sql`select coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 as rows
    from json_array_elements_text(${names}::text::json) n(name) join pg_class c on c.oid = to_regclass(n.name)`;
  let fileBytes = 0;
  for (const { name, blob } of tables) {
    if (blob === undefined) continue;
    const [row] = await sql.unsafe(`select coalesce(sum(${quoteIdent(blob.size)}), 0)::float8 as bytes from ${name}`);
    fileBytes += row!["bytes"] as number;
  }
  return { rows: known!["rows"] as number, fileBytes };
}
