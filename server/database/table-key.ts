/**
 * A table as a scope names it: its name, `schema.name` outside of `public`. A part that holds a dot or a double quote is
 * quoted as in SQL, so that `"a.b"` and `a.b` are two tables.
 */
export function tableKey(schema: string, name: string): string {
  return schema === "public" ? part(name) : `${part(schema)}.${part(name)}`;
}

function part(name: string): string {
  return /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

/** The reverse of `tableKey`. A key that is none of its results names a table that does not exist. */
export function parseTableKey(key: string): { schema: string; name: string } {
  const parts = [...key.matchAll(/\.?(?:"((?:[^"]|"")*)"|([^."]+))/gy)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!,
  );
  const [first = key, second] = parts;
  return second === undefined ? { schema: "public", name: first } : { schema: first, name: second };
}
