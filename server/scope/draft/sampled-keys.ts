import type { Sql } from "postgres";
import type { Catalog, CatalogColumn, CatalogTable } from "../../database/catalog.ts";
import { quoteIdent, quoteTable } from "../../database/session.ts";
import { looksSecret } from "../check-scope.ts";
import { normalKey } from "../without-keys.ts";

/** Keys that look like secrets, by table and column. */
export type SampledKeys = ReadonlyMap<string, Readonly<Record<string, string[]>>>;

/** Documents of a column that are looked at. */
const sampledDocuments = 1000;

/** Looks for keys that look like secrets in documents of every `jsonb` and `json` column, at any depth. */
export async function sampleKeys(sql: Sql, { tables }: Catalog): Promise<SampledKeys> {
  const found = new Map<string, Record<string, string[]>>();
  for (const table of tables.values()) {
    const keys: Record<string, string[]> = {};
    for (const column of table.columns.filter(isDocument)) {
      const secrets = (await keysOf(sql, table, column)).filter(looksSecretKey);
      if (secrets.length > 0) keys[column.name] = withoutRepetition(secrets);
    }
    if (Object.keys(keys).length > 0) found.set(table.key, keys);
  }
  return found;
}

function isDocument({ builtin, generated }: CatalogColumn): boolean {
  return !generated && (builtin === "jsonb" || builtin === "json");
}

/** `apiKey` and `api-key` as a column would have them. */
function looksSecretKey(key: string): boolean {
  return looksSecret(key.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll("-", "_"));
}

/** One spelling of each key: `withoutKeys` knows the others by it. */
function withoutRepetition(keys: readonly string[]): string[] {
  return [...new Map(keys.map((key) => [normalKey(key), key])).values()].sort();
}

/** None of a table that may not be read, or where `json` holds what `jsonb` cannot: a draft is a proposal. */
async function keysOf(sql: Sql, table: CatalogTable, { name }: CatalogColumn): Promise<string[]> {
  const members = (type: string, call: string, none: string) =>
    `select value from ${call}(case when jsonb_typeof(d) = '${type}' then d else '${none}' end)`;
  try {
    const rows = await sql.unsafe(`with recursive nodes (d) as (
      (select ${quoteIdent(name)}::jsonb from ${quoteTable(table)} where ${quoteIdent(name)} is not null limit ${sampledDocuments})
      union all
      select m.value from nodes, lateral (${members("object", "jsonb_each", "{}")} union all ${members("array", "jsonb_array_elements", "[]")}) m
        where jsonb_typeof(m.value) in ('object', 'array'))
    select distinct k as key from nodes, jsonb_object_keys(case when jsonb_typeof(d) = 'object' then d else '{}' end) k`);
    return rows.map((row) => row["key"] as string);
  } catch {
    return [];
  }
}
