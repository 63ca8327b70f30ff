import { keySql } from "../../scope/blob-sql.ts";
import type { Scope, TableScope } from "../../scope/define-scope.ts";
import { defineCommand } from "../command.ts";
import { plural } from "../numbers.ts";
import type { Paint } from "../paint.ts";
import { safeText } from "../safe-text.ts";
import { loadScope } from "../scopes.ts";
import { fields, indented } from "../text-table.ts";

export const scopeShow = defineCommand({
  name: "scope show",
  purpose: "Shows what may leave an installation and enter another, and why everything else may not.",
  operands: [],
  options: {},
  general: "scope",
  examples: ["holdall scope show", "holdall scope show --json | jq '.tables | keys'"],
  exitCodes: { 0: "shown" },
  async run(_, { settings }) {
    const scope = await loadScope(settings);
    return { exitCode: 0, json: scope, text: (paint) => scopeText(scope, paint) };
  },
});

function scopeText(scope: Scope, paint: Paint): string {
  const options = Object.entries(scope.options).map(
    ([name, { default: on, description }]) => [name, `${on}: ${description}`] as const,
  );
  const ignored = Object.entries(scope.ignoredOptions).map(([name, reason]) => [name, `ignored: ${reason}`] as const);
  const tables = Object.entries(scope.tables).map(([name, table]) => tableText(name, table, paint));
  const { settings } = scope;
  return [
    `${paint.bold(`${scope.name} version ${scope.version}`)}, for ${scope.app.name} ${scope.app.version}\n${safeText(scope.description)}`,
    `${title("options, with their defaults", paint)}\n${indented(fields([...options, ...ignored], paint).split("\n"))}`,
    `${title(`${plural(tables.length, "table")} in the bundle`, paint)}\n${tables.join("\n")}`,
    ...(settings === undefined
      ? []
      : [`${title(`settings in the manifest, of ${settings.table}`, paint)}\n  ${settings.include.join(", ")}`]),
    `${title("tables that never leave", paint)}\n${indented(fields(Object.entries(scope.excludedTables), paint).split("\n"))}`,
  ].join("\n\n");
}

function title(text: string, paint: Paint): string {
  return paint.cyan(text);
}

function tableText(name: string, table: TableScope, paint: Paint): string {
  const lines = [`in    ${table.columns.join(", ")}`];
  for (const [column, reason] of Object.entries(table.excluded ?? {})) lines.push(`out   ${column}: ${safeText(reason)}`);
  for (const [column, sql] of Object.entries(table.rewrite ?? {})) lines.push(`as    ${column}: ${safeText(sql)}`);
  lines.push(...traits(table).map((trait) => `note  ${trait}`));
  return `  ${paint.bold(name)}\n${indented(lines, "    ")}`;
}

/** What else is special about a table. */
function traits(table: TableScope): string[] {
  const found: string[] = [];
  if (table.importNever !== undefined) found.push(`never imported: ${safeText(table.importNever)}`);
  if (table.needsUserMapping !== undefined)
    found.push(`imported only with a mapping of users: ${safeText(table.needsUserMapping)}`);
  if (table.where !== undefined) found.push(`only rows with ${safeText(table.where)}`);
  if (table.option !== undefined) found.push(`with the option ${table.option.name} only, else ${table.option.off}`);
  if (table.appendOnly) found.push("history: rows that are there are never changed");
  if (table.importer !== undefined) found.push(`set to the importer: ${table.importer.join(", ")}`);
  if (table.metadata !== undefined) found.push(`metadata: ${table.metadata.join(", ")}`);
  if (table.naturalKey !== undefined) found.push(`the same thing everywhere by: ${table.naturalKey.join(", ")}`);
  if (table.blob !== undefined)
    found.push(`owns the stored object whose key is ${safeText(keySql(table.blob))}, with the option ${table.blob.option}`);
  return found;
}
