import type { Plan } from "../../../engine/plan.ts";
import { previewImport } from "../../import/import-bundle.ts";
import { findImporter } from "../../import/importer.ts";
import { withBundle } from "../bundle-file.ts";
import { defineCommand } from "../command.ts";
import { importState } from "../import-state.ts";
import type { Paint } from "../paint.ts";
import { planText } from "../plan-text.ts";
import { safeText } from "../safe-text.ts";
import { withTarget } from "../target.ts";
import { fields } from "../text-table.ts";
import { conflictMode } from "../values.ts";

export const modeHelp = "skip_existing, merge or overwrite_metadata_only";

export const preview = defineCommand({
  name: "preview",
  purpose: "Verifies a bundle, then shows what importing it would change in the installation. Changes nothing.",
  operands: [{ name: "FILE", help: "a bundle, zip or ndjson; - for a pipe" }],
  options: {
    mode: { type: "string", value: "MODE", help: `what happens to rows that are there: ${modeHelp}`, default: "skip_existing" },
    as: { type: "string", value: "EMAIL", help: "the admin in whose name rows would enter", default: "the first active admin" },
  },
  general: "installation",
  examples: ["holdall preview backup.zip", "holdall preview backup.zip --mode merge --as ops@example.com --json | jq -r .digest"],
  exitCodes: { 0: "shown", 1: "the bundle is not valid, or does not fit; every finding is printed" },
  run: ({ operands: [file], options }, context) => {
    const mode = conflictMode(options.mode ?? "skip_existing");
    return withBundle(file!, context, ({ bundle, name }) =>
      withTarget(context, async ({ scope, connection, store }) => {
        const { sql, description } = connection;
        const { output, signal } = context;
        const importer = await findImporter(sql, scope, options.as);
        const onProgress = (progress: Parameters<typeof importState>[0]) => output.progress.update(importState(progress));
        const plan = await previewImport({ sql, store, scope, bundle, mode, importer, signal, onProgress });
        const heading = { bundle: name, target: description, mode, importer: importer.email };
        return { exitCode: 0, json: { ...heading, ...plan }, text: (paint) => previewText(heading, plan, paint) };
      }),
    );
  },
});

export interface PlanHeading {
  bundle: string;
  target: string;
  mode: string;
  importer: string;
}

export function previewText(heading: PlanHeading, plan: Plan, paint: Paint): string {
  const about = Object.entries(heading).map(([label, text]) => [label, safeText(text)] as const);
  return [fields([...about, ["plan", plan.digest]], paint), planText(plan, paint)].join("\n\n");
}
