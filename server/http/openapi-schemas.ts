import { checkNames } from "../../engine/checks.ts";
import { errorCodes } from "../../engine/errors.ts";
import { conflictModes, outcomes, planCodes } from "../../engine/plan.ts";
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
  maximum?: number;
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
    ExportEstimate: exportEstimate,
    TenantList: object({ total: count, tenants: list(object({ id: text, name: text })) }),
    FileIdentities: object({ files: list(object({ sha256: digest, size: count })) }),
    KnownFiles: object({ known: list(flag) }),
    Problem: problem,
    Issue: issue,
    BundleSummary: bundleSummary,
    Verification: verification,
    PlanRow: object(planRow, ["target_key", "columns", "constraint", "holder"]),
    TablePlan: tablePlan,
    Plan: plan,
    ReplacePlan: replacePlan,
    PlannedRow: plannedRow,
    PlanPage: object({
      table: text,
      outcome: nullable({ enum: planCodes }),
      from: count,
      total: count,
      rows: list(ref("PlannedRow")),
    }),
    KeptPlan: object({ plan: ref("Plan"), importer: text, created_at: text, expires_at: text }),
    MovedTable: movedTable,
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
  const files: [string, Schema] = [
    "files",
    {
      enum: ["in-bundle", "by-reference"],
      default: "in-bundle",
      description: "by-reference: the server's pool takes each content once, and the bundle only refers to it",
    },
  ];
  const all = [...options, ...ignored, files, ...tenants];
  return object(
    Object.fromEntries(all),
    all.map(([name]) => name),
  );
}

const exportEstimate: Schema = object({
  tables: list(object({ table: text, rows: count, bytes: count, exact: flag })),
  files: object({ count, bytes: count }),
  rows: count,
  bytes: { ...count, description: "Uncompressed" },
  bundle_bytes: { ...count, description: "What the ZIP may come to" },
});

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
    plan: { ...ref("Plan"), description: "With IMPORT_PLAN_CHANGED: the plan as it is now" },
    replace: {
      ...ref("ReplacePlan"),
      description: "With IMPORT_NOT_FRESH, IMPORT_LOSS and IMPORT_NO_ADMIN: what would have to be agreed to",
    },
    moved: {
      ...list(ref("MovedTable")),
      description: "With IMPORT_PLAN_CHANGED: what is otherwise than planned, where the plan was kept here",
    },
  },
  ["code", "entry", "row", "line", "issues", "plan", "replace", "moved"],
  true,
);

const issue: Schema = object(
  {
    severity: { enum: ["error", "warning"] },
    code: { enum: errorCodes },
    message: text,
    details: { type: "object" },
    check: { enum: checkNames, description: "The check that found it" },
  },
  ["check"],
);

const check: Schema = object({
  name: { enum: checkNames },
  status: { enum: ["passed", "warned", "failed"] },
  examined: { ...count, description: "How many things were looked at" },
  errors: count,
  warnings: count,
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
  checks: list(check),
  issues: { ...list(ref("Issue")), description: "The first 1,000, errors first" },
  issuesTotal: count,
  rows: { ...byName(count), description: "Rows found, by table" },
  entries: count,
  bytes: { ...count, description: "Uncompressed bytes read" },
  omitted: { ...count, description: "Files that a thin bundle names and does not carry" },
});

const planRow: Record<string, Schema> = {
  outcome: { enum: outcomes },
  row: { ...count, description: "1-based row in the table's entry; rows that would be deleted are numbered behind it" },
  key: { ...list(text), description: "Values of the primary key" },
  target_key: { ...list(text), description: "Key of the same thing in the target, by the natural key, where it is another" },
  columns: { ...list(text), description: "Columns that an update changes" },
  constraint: text,
  holder: { type: "string", description: "Primary key of the row that holds the unique value" },
};

const valueChange: Schema = object(
  {
    column: text,
    old: { ...nullable(text), description: "As PostgreSQL writes it; null is SQL's NULL" },
    new: nullable(text),
    cut: { type: "boolean", description: "A value is longer than 65,536 characters and was cut" },
  },
  ["cut"],
);

const plannedRow: Schema = object(
  {
    ...planRow,
    changes: { ...list(valueChange), description: "What changes, or what differs and stays" },
    reassigned: { ...list(text), description: "Columns that get the importer" },
    reference_cleared: { ...list(text), description: "References that arrive empty" },
    renumbered: { type: "boolean", description: "Arrives under a new number, because its own is another row's" },
  },
  ["target_key", "columns", "constraint", "holder", "changes", "reassigned", "reference_cleared", "renumbered"],
);

const tablePlan: Schema = object(
  {
    table: text,
    rows: count,
    outcomes: object(Object.fromEntries(outcomes.map((outcome) => [outcome, count])), [...outcomes]),
    reassigned: count,
    matched: { ...count, description: "Rows that are in the target under another key, by the natural key" },
    renumbered: { ...count, description: "New rows that get another number" },
    reference_cleared: byName(count),
    dropped_columns: list(text),
    reason: text,
    samples: list(ref("PlanRow")),
  },
  ["reason"],
);

const targetUser: Schema = object({ id: text, email: text });

const plannedUser: Schema = object({
  id: { type: "string", description: "Key in the bundle" },
  email: { ...nullable(text), description: "null where the bundle does not carry its users" },
  references: { ...count, description: "How often rows of the bundle name the user" },
  mapped: { ...nullable(targetUser), description: "Who it becomes in the target" },
  proposed: { ...nullable(targetUser), description: "Who in the target has the same e-mail address" },
});

const choices: Schema = object({
  match_natural_keys: flag,
  user_map: byName(text),
  tables: nullable(list(text)),
  tenants: nullable(list(text)),
});

const replacePlan: Schema = object({
  occupied: {
    ...byName(count),
    description: "Rows that make the target one in use, by table; replacing it needs replace_existing",
  },
  lost: {
    ...list(object({ table: text, what: { enum: ["rows", "references", "values"] }, column: text, rows: count }, ["column"])),
    description: "What no bundle holds and would go with rows that are deleted; needs accept_loss",
  },
  admins: { ...count, description: "Active admins that there would be; none needs allow_no_admin" },
  kept: { ...byName(text), description: "Tables of the scope that stay because the bundle does not hold them, with the reason" },
  objects_replaced: { ...count, description: "Objects that get other content under their key, once the database has committed" },
  objects_removed: { ...count, description: "Objects of rows that go, removed once the database has committed" },
});

const plan: Schema = object(
  {
    bundle_sha256: { ...digest, description: "SHA-256 of the bundle's checksums.json" },
    mode: modeSchema,
    choices,
    digest,
    tables: list(ref("TablePlan")),
    blobs: object({ write: count, bytes: count, present: count, rekeyed: count, missing: count }),
    users: list(plannedUser),
    replace: { ...ref("ReplacePlan"), description: "In mode replace" },
    warnings: list(text),
  },
  ["replace"],
);

const outcomeCounts = object(Object.fromEntries(outcomes.map((outcome) => [outcome, count])), [...outcomes]);

const movedTable: Schema = object({
  table: text,
  planned: outcomeCounts,
  now: outcomeCounts,
  rows: { ...count, description: "Rows of which the outcome, or what it changes, is another one" },
  samples: list(object({ row: count, key: list(text), planned: { enum: outcomes }, now: { enum: outcomes } })),
});

const importReport: Schema = object(
  {
    import_id: text,
    plan: ref("Plan"),
    failed_blobs: list(object({ table: text, row: count, key: text, error: text })),
    skipped: list(object({ table: text, ...planRow }, ["target_key", "columns", "constraint", "holder"])),
    skipped_truncated: flag,
    pending_objects: {
      ...count,
      description: "Objects that could not be removed or replaced behind the commit; the next import does",
    },
    started_at: text,
    finished_at: text,
  },
  ["pending_objects"],
);

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
  needs_user_mapping: { ...nullable(text), description: "Why rows enter only by a mapping of users" },
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
