import * as v from "valibot";
import { conflictModes } from "../../engine/plan.ts";
import { upgradeSchema } from "./upgrade/steps.ts";

const identifier = v.pipe(v.string(), v.nonEmpty("a name may not be empty"));
const reason = v.pipe(v.string(), v.minLength(8, "give the reason in a few words"));
const columns = v.array(identifier);

const tableSchema = v.strictObject({
  columns: v.pipe(columns, v.nonEmpty("a table needs at least one column")),
  excluded: v.optional(v.record(identifier, reason)),
  notSecret: v.optional(v.record(identifier, reason)),
  where: v.optional(v.string()),
  whereOnImport: v.optional(v.boolean()),
  rewrite: v.optional(v.record(identifier, v.string())),
  withoutKeys: v.optional(v.record(identifier, v.pipe(columns, v.nonEmpty("name the keys")))),
  rewriteOnImport: v.optional(columns),
  option: v.optional(v.strictObject({ name: identifier, off: v.picklist(["absent", "empty"]) })),
  metadata: v.optional(columns),
  importer: v.optional(columns),
  importNever: v.optional(reason),
  needsUserMapping: v.optional(reason),
  appendOnly: v.optional(v.boolean()),
  naturalKey: v.optional(columns),
  tenant: v.optional(identifier),
  tenantRows: v.optional(v.pipe(v.string(), v.includes("$tenants", "the condition has to name $tenants"))),
  shared: v.optional(v.picklist(["in", "out"])),
  blob: v.optional(
    v.strictObject({
      option: identifier,
      id: identifier,
      key: v.union([identifier, v.strictObject({ sql: identifier })]),
      name: identifier,
      size: identifier,
      sha256: v.optional(identifier),
      contentType: v.optional(identifier),
    }),
  ),
});

/** The shape of a `Scope`; what contradicts itself in one of that shape is `contradictions`' question. */
export const scopeSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/, "a scope's name is lowercase letters, digits and hyphens")),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  app: v.strictObject({ name: identifier, version: identifier }),
  description: v.string(),
  options: v.record(identifier, v.strictObject({ default: v.boolean(), label: v.string(), description: v.string() })),
  ignoredOptions: v.record(identifier, reason),
  users: v.strictObject({ table: identifier, id: identifier, email: identifier, admin: identifier }),
  tenants: v.optional(v.strictObject({ table: identifier, id: identifier, name: v.optional(identifier) })),
  modes: v.optional(v.pipe(v.array(v.picklist(conflictModes)), v.nonEmpty("an import needs a mode"))),
  replace: v.optional(
    v.strictObject({ occupiedBy: v.pipe(columns, v.nonEmpty("name the tables that make a target one in use")) }),
  ),
  tables: v.record(identifier, tableSchema),
  excludedTables: v.record(identifier, reason),
  upgrades: v.optional(v.array(upgradeSchema)),
  settings: v.optional(
    v.strictObject({
      option: identifier,
      table: identifier,
      key: identifier,
      value: identifier,
      include: columns,
      shared: v.optional(v.picklist(["in", "out"])),
    }),
  ),
});
