/** Keys under which people and parsers have been seen to leave credentials in free-form JSON. */
export const secretKeys = [
  "access_key",
  "api_key",
  "apikey",
  "auth",
  "authorization",
  "bearer",
  "cookie",
  "cookies",
  "credentials",
  "headers",
  "password",
  "private_key",
  "secret",
  "secret_key",
  "token",
] as const;

const textArray = (keys: readonly string[]) => `ARRAY[${keys.map((key) => `'${key}'`).join(", ")}]::text[]`;

/**
 * SQL: the object with only these top-level keys, where the application knows every key it writes: what somebody adds
 * later stays until it is listed.
 */
export function onlyKeys(column: string, keys: readonly string[]): string {
  return (
    `(SELECT coalesce(jsonb_object_agg(item.key, item.value), '{}'::jsonb) ` +
    `FROM jsonb_each(${column}) AS item WHERE item.key = ANY (${textArray(keys)}))`
  );
}

/** SQL: the text without the user and password of any URL in it; scanners print the URL they failed on. */
export function withoutUrlLogins(column: string): string {
  return `regexp_replace(${column}, '://[^/[:space:]]+@', '://', 'g')`;
}
