import type { CatalogColumn } from "../database/catalog.ts";

/**
 * SQL of what `row_to_json` is given for a column, so that its JSON says everything (docs/format.md, "Values"). `value` is a
 * reference to the column; it is mentioned several times.
 */
export function exactValue({ shape }: CatalogColumn, value: string): string {
  switch (shape) {
    case "plain":
    case "record":
      return value;
    case "opaque":
      return `${value}::text`;
    case "array":
      return `case when ${hasOwnBounds(value)} then to_json(${value}::text) else to_json(${value}) end`;
    case "json":
      return wrapped(value, `${value}::text ~ '${ambiguousText}'`);
    case "jsonb":
      return wrapped(value, `jsonb_typeof(${value}) = 'null' or ${value} operator(pg_catalog.?) '$json'`);
  }
}

/** JSON has no place for a lower bound that is not 1: such an array goes out as its text. */
function hasOwnBounds(value: string): string {
  return `array_lower(${value}, 1) <> 1 or (array_ndims(${value}) > 1 and array_dims(${value}) ~ '\\[(?!1:)')`;
}

function wrapped(value: string, condition: string): string {
  return `case when ${condition} then json_build_object('$json', ${value}::text) else to_json(${value}) end`;
}

/**
 * JSON has one null for SQL's and for a document that is null. White space around a document would be lost, and a line break
 * in it would end the row. What looks wrapped has to be told from what is.
 */
const ambiguousText = "^null$|^ | $|[\\t\\n\\r]|(\\$|u0024)json";
