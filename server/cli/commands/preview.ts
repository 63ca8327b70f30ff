import { outcomes, type Plan } from "../../../engine/plan.ts";
import { previewImport } from "../../import/import-bundle.ts";
import { findImporter } from "../../import/importer.ts";
import { modesOf } from "../../scope/define-scope.ts";
import { type OpenFile, readingOptions, withBundle } from "../bundle-file.ts";
import { defineCommand, type Result } from "../command.ts";
import { choiceOptions, importChoices } from "../import-choices.ts";
import { importState } from "../import-state.ts";
import type { Paint } from "../paint.ts";
import { planText } from "../plan-text.ts";
import { type RowsByOutcome, readRows, rowsText, tellingOutcomes, withPlanFolder } from "../planned-rows.ts";
import { safeText } from "../safe-text.ts";
import { withTarget } from "../target.ts";
import { fields } from "../text-table.ts";
import { conflictMode, wholeNumber } from "../values.ts";

export const modeHelp = "skip_existing, merge, overwrite_metadata_only or replace, as the scope offers";

export const preview = defineCommand({
  name: "preview",
  purpose: "Verifies a bundle, then shows what importing it would change in the installation. Changes nothing.",
  operands: [{ name: "FILE", help: "a bundle, zip or ndjson; - for a pipe" }],
  options: {
    mode: {
      type: "string",
      value: "MODE",
      help: `what happens to rows that are there: ${modeHelp}`,
      default: "the first that the scope offers",
    },
    as: { type: "string", value: "EMAIL", help: "the admin in whose name rows would enter", default: "the first active admin" },
    ...choiceOptions,
    ...readingOptions,
    rows: {
      type: "string",
      value: "N",
      help: "list up to N rows of every table and outcome, with old and new values; with --json as `rows`",
      default: "3 of those that are neither new nor identical, and none with --json",
    },
  },
  general: "installation",
  examples: ["holdall preview backup.zip", "holdall preview backup.zip --mode merge --as ops@example.com --json | jq -r .digest"],
  exitCodes: { 0: "shown", 1: "the bundle is not valid, or does not fit; every finding is printed" },
  run: ({ operands: [file], options }, context) => {
    const given = options.mode === undefined ? undefined : conflictMode(options.mode);
    const work = ({ bundle, name, pool }: OpenFile) =>
      withTarget(context, async ({ scope, connection, store }) => {
        const { sql, description } = connection;
        const mode = given ?? modesOf(scope)[0]!;
        const { output, signal } = context;
        const importer = await findImporter(sql, scope, options.as);
        const onProgress = (progress: Parameters<typeof importState>[0]) => output.progress.update(importState(progress));
        const choices = importChoices(options);
        const request = { sql, store, scope, bundle, mode, choices, importer, signal, onProgress, ...(pool && { pool }) };
        const heading = { bundle: name, target: description, mode, importer: importer.email };
        if (context.json && options.rows === undefined) return result(heading, await previewImport(request));
        const most = wholeNumber("--rows", options.rows, samples);
        const wanted = options.rows === undefined ? tellingOutcomes : outcomes;
        return withPlanFolder(context, async (keepIn) => {
          const plan = await previewImport({ ...request, keepIn });
          return result(heading, plan, await readRows(keepIn, most, wanted));
        });
      });
    return withBundle(file!, context, work, options);
  },
});

/** Of each table and outcome. */
export const samples = 3;

function result(heading: PlanHeading, plan: Plan, rows?: RowsByOutcome): Result {
  const json = { ...heading, ...plan, ...(rows && { rows }) };
  return { exitCode: 0, json, text: (paint) => previewText(heading, plan, paint, rows) };
}

export interface PlanHeading {
  bundle: string;
  target: string;
  mode: string;
  importer: string;
}

export function previewText(heading: PlanHeading, plan: Plan, paint: Paint, rows: RowsByOutcome = {}): string {
  const about = Object.entries(heading).map(([label, text]) => [label, safeText(text)] as const);
  const parts = [fields([...about, ["plan", plan.digest]], paint), planText(plan, paint), rowsText(plan, rows, paint)];
  return parts.filter((part) => part !== "").join("\n\n");
}
