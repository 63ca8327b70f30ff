import { errorCodes } from "../../engine/errors.ts";
import { conflictModes, outcomes } from "../../engine/plan.ts";
import type { Scope } from "../scope/define-scope.ts";

/** The part of JSON Schema 2020-12 that the description needs. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  pattern?: string;
  minimum?: number;
  oneOf?: Schema[];
}

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const count: Schema = { type: "integer", minimum: 0 };
const list = (items: Schema): Schema => ({ type: "array", items });
const byName = (values: Schema): Schema => ({ type: "object", additionalProperties: values });
const nullable = (schema: Schema): Schema => ({ oneOf: [schema, { type: "null" }] });
const digest: Schema = { type: "string", pattern: "^[0-9a-f]{64}$" };

/** An object of which every property is required but those named in `optional`. */
function object(properties: Record<string, Schema>, optional: string[] = [], more = false): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required, additionalProperties: more };
}

export const modeSchema: Schema = { enum: conflictModes };

export function schemas(scope: Scope): Record<string, Schema> {
  return {
    ExportOptions: exportOptions(scope),
    Problem: problem,
    Issue: issue,
    BundleSummary: bundleSummary,
    Verification: verification,
    PlanRow: object(planRow, ["columns", "constraint", "holder"]),
    TablePlan: tablePlan,
    Plan: plan,
    Preview: object({ bundle: ref("BundleSummary"), importer: text, verification: ref("Verification"), plan: ref("Plan") }),
    ImportReport: importReport,
    Progress: progress,
    PreviewLine: lineOf("Preview"),
    ImportLine: lineOf("ImportReport"),
    Scope: scopeDescription,
  };
}

function exportOptions(scope: Scope): Schema {
  const options = Object.entries(scope.options).map(([name, option]): [string, Schema] => [
    name,
    { type: "boolean", default: option.default, description: option.description },
  ]);
  const ignored = Object.entries(scope.ignoredOptions).map(([name, description]): [string, Schema] => [name, { description }]);
  const tenants: [string, Schema][] =
    scope.tenants === undefined
      ? []
      : [["tenants", { ...list(text), description: `Only these rows of ${scope.tenants.table}, and what hangs on them` }]];
  const all = [...options, ...ignored, ...tenants];
  return object(
    Object.fromEntries(all),
    all.map(([name]) => name),
  );
}

const problem: Schema = object(
  {
    type: text,
    title: text,
    status: { type: "integer" },
    detail: text,
    code: { enum: errorCodes },
    entry: { type: "string", description: "Path of the bundle's entry" },
    row: { ...count, description: "1-based row of a table's entry" },
    line: { ...count, description: "1-based line of a table's entry" },
    issues: list(ref("Issue")),
  },
  ["code", "entry", "row", "line", "issues"],
  true,
);

const issue: Schema = object({
  severity: { enum: ["error", "warning"] },
  code: { enum: errorCodes },
  message: text,
  details: { type: "object" },
});

const bundleSummary: Schema = object({
  container: { enum: ["zip", "ndjson"] },
  size: { ...count, description: "Bytes" },
  app: object({ name: text, version: text }),
  scope: object({ name: text, version: count }),
  created_at: text,
  options: byName(flag),
  files: object({ bundle: count, external: count, missing: count }),
});

const verification: Schema = object({
  valid: flag,
  issues: list(ref("Issue")),
  rows: { ...byName(count), description: "Rows found, by table" },
  entries: count,
  bytes: { ...count, description: "Uncompressed bytes read" },
});

const planRow: Record<string, Schema> = {
  outcome: { enum: outcomes },
  row: { ...count, description: "1-based row in the table's entry" },
  key: { ...list(text), description: "Values of the primary key" },
  columns: { ...list(text), description: "Columns that an update changes" },
  constraint: text,
  holder: { type: "string", description: "Primary key of the row that holds the unique value" },
};

const tablePlan: Schema = object(
  {
    table: text,
    rows: count,
    outcomes: object(Object.fromEntries(outcomes.map((outcome) => [outcome, count])), [...outcomes]),
    reassigned: count,
    reference_cleared: byName(count),
    dropped_columns: list(text),
    reason: text,
    samples: list(ref("PlanRow")),
  },
  ["reason"],
);

const plan: Schema = object({
  mode: modeSchema,
  digest,
  tables: list(ref("TablePlan")),
  blobs: object({ write: count, bytes: count, present: count, rekeyed: count, missing: count }),
  warnings: list(text),
});

const importReport: Schema = object({
  import_id: text,
  plan: ref("Plan"),
  failed_blobs: list(object({ table: text, row: count, key: text, error: text })),
  skipped: list(object({ table: text, ...planRow }, ["columns", "constraint", "holder"])),
  skipped_truncated: flag,
  started_at: text,
  finished_at: text,
});

const progress: Schema = object(
  {
    phase: { enum: ["verify", "stage", "plan", "blobs", "apply"] },
    table: text,
    rows: count,
    files: count,
    bytes: count,
    bytesTotal: count,
  },
  ["table", "rows", "files", "bytes", "bytesTotal"],
);

function lineOf(result: string): Schema {
  return { oneOf: [object({ progress: ref("Progress") }), object({ result: ref(result) }), object({ error: ref("Problem") })] };
}

const scopeTable: Schema = object({
  name: text,
  columns: list(text),
  excluded_columns: { ...byName(text), description: "Columns that stay, with the reason" },
  rewritten_columns: list(text),
  filtered: flag,
  option: nullable(object({ name: text, off: { enum: ["absent", "empty"] } })),
  metadata_columns: list(text),
  importer_columns: list(text),
  append_only: flag,
  import_never: nullable(text),
  stored_objects: nullable(object({ option: text })),
});

const scopeDescription: Schema = object({
  title: text,
  name: text,
  version: count,
  app: object({ name: text, version: text }),
  description: text,
  options: list(object({ name: text, default: flag, label: text, description: text })),
  tenants: nullable(object({ table: text, id: text, name: text }, ["name"])),
  ignored_options: byName(text),
  tables: list(scopeTable),
  excluded_tables: { ...byName(text), description: "Tables that stay, with the reason" },
  settings: nullable(object({ option: text, included: list(text) })),
  modes: list(modeSchema),
  max_upload_bytes: count,
});
