import { readCatalog } from "../../database/catalog.ts";
import { checkScope, type ScopeProblem } from "../../scope/check-scope.ts";
import { defineCommand } from "../command.ts";
import { plural } from "../numbers.ts";
import type { Paint } from "../paint.ts";
import { safeText } from "../safe-text.ts";
import { withDatabase } from "../target.ts";

export const scopeCheck = defineCommand({
  name: "scope check",
  purpose:
    "Holds the scope against the tables and columns of the database: each must be included, or excluded with a reason. Every export does the same first.",
  operands: [],
  options: {},
  general: "installation",
  examples: ["holdall scope check", "holdall scope check --database postgres://app@db.example.com/app"],
  exitCodes: { 0: "the scope fits", 1: "it does not; the lines to paste are printed" },
  run: (_, context) =>
    withDatabase(context, async ({ scope, connection: { sql, description } }) => {
      const catalog = await readCatalog(sql);
      const problems = checkScope(scope, catalog);
      const json = { scope: scope.name, target: description, tables: catalog.tables.size, problems };
      const fits = `the scope ${scope.name} fits ${safeText(description)}: ${plural(catalog.tables.size, "table")}`;
      const text = (paint: Paint) => (problems.length === 0 ? `${paint.green("ok")}  ${fits}` : problemLines(problems, paint));
      return { exitCode: problems.length === 0 ? 0 : 1, json, text };
    }),
});

function problemLines(problems: readonly ScopeProblem[], paint: Paint): string {
  const lines = problems.map(({ kind, message, paste }) => {
    const first = `${paint.red("error")}  ${paint.bold(kind.padEnd(19))}  ${safeText(message)}`;
    return paste === undefined ? first : `${first}\n       paste ${paint.cyan(safeText(paste))}`;
  });
  return [...lines, paint.red(plural(problems.length, "problem"))].join("\n");
}
