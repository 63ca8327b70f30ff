import type { Schema } from "../../../server/http/openapi-schemas.ts";

/** Every way in which a value is not what a schema says: the part of JSON Schema that our description uses. */
export function mismatches(value: unknown, schema: Schema, schemas: Record<string, Schema>, path = "$"): string[] {
  if (schema.$ref !== undefined) {
    const target = schemas[schema.$ref.split("/").at(-1)!];
    return target === undefined ? [`${path}: ${schema.$ref} is not there`] : mismatches(value, target, schemas, path);
  }
  if (schema.oneOf !== undefined) {
    const all = schema.oneOf.map((one) => mismatches(value, one, schemas, path));
    return all.filter((found) => found.length === 0).length === 1 ? [] : [`${path}: not exactly one of`, ...all.flat()];
  }
  if (schema.enum !== undefined) return schema.enum.includes(value) ? [] : [`${path}: ${JSON.stringify(value)} is no choice`];
  if (schema.type !== undefined && !isType(value, schema)) return [`${path}: ${JSON.stringify(value)} is no ${schema.type}`];
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(String(value))) return [`${path}: not ${schema.pattern}`];
  if (Array.isArray(value)) return value.flatMap((item, i) => mismatches(item, schema.items ?? {}, schemas, `${path}[${i}]`));
  return typeof value === "object" && value !== null ? objectMismatches(value, schema, schemas, path) : [];
}

function isType(value: unknown, { type, minimum = -Infinity }: Schema): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value) && (value as number) >= minimum;
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function objectMismatches(value: object, schema: Schema, schemas: Record<string, Schema>, path: string): string[] {
  const { properties = {}, required = [], additionalProperties = true } = schema;
  const found = required.filter((name) => !(name in value)).map((name) => `${path}: ${name} is missing`);
  for (const [name, item] of Object.entries(value)) {
    const own = properties[name] ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
    if (own !== undefined) found.push(...mismatches(item, own, schemas, `${path}.${name}`));
    else if (additionalProperties === false) found.push(`${path}: ${name} is not described`);
  }
  return found;
}
