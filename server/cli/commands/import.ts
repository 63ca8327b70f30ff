import { BackupError } from "../../../engine/errors.ts";
import { type ImportReport, skippedOutcomes } from "../../../engine/plan.ts";
import { type ImportRequest, importBundle, previewImport } from "../../import/import-bundle.ts";
import { findImporter } from "../../import/importer.ts";
import { assertConsent } from "../../import/replace/consent.ts";
import { type OpenFile, readingOptions, withBundle } from "../bundle-file.ts";
import { type Context, defineCommand, type Result } from "../command.ts";
import { canAsk, confirm } from "../confirm.ts";
import { choiceOptions, consentOptions, importChoices, replaceConsent } from "../import-choices.ts";
import { importState } from "../import-state.ts";
import { count, elapsed, plural } from "../numbers.ts";
import type { Paint } from "../paint.ts";
import { planText, skippedLine, sumOf } from "../plan-text.ts";
import { readRows, tellingOutcomes, withPlanFolder } from "../planned-rows.ts";
import { safeName, safeText } from "../safe-text.ts";
import { withTarget } from "../target.ts";
import { Refusal, UsageError } from "../usage-error.ts";
import { conflictMode } from "../values.ts";
import { modeHelp, type PlanHeading, previewText, samples } from "./preview.ts";

export const importCommand = defineCommand({
  name: "import",
  purpose:
    "Brings a bundle into the installation: verifies all of it, shows the plan, asks, and then applies exactly that plan or nothing.",
  operands: [{ name: "FILE", help: "a bundle, zip or ndjson; - for a pipe" }],
  options: {
    mode: { type: "string", value: "MODE", help: `what happens to rows that are there: ${modeHelp} (required)` },
    as: { type: "string", value: "EMAIL", help: "the admin of the target in whose name rows enter (required)" },
    ...choiceOptions,
    ...consentOptions,
    ...readingOptions,
    yes: { type: "boolean", short: "y", help: "do not ask" },
    plan: { type: "string", value: "DIGEST", help: "only if this is still the plan, as `holdall preview` gave it" },
  },
  general: "installation",
  examples: [
    "holdall import backup.zip --mode skip_existing --as ops@example.com",
    "holdall import vault.zip --scope vault --mode replace --replace-existing --as ops@example.com",
    "holdall export --out - --format ndjson | holdall import - --mode merge --as ops@example.com --yes --database postgres://…",
  ],
  exitCodes: { 0: "imported; rows that were skipped are listed", 1: "refused, and nothing was changed" },
  async run({ operands: [file], options }, context) {
    if (options.mode === undefined) throw new UsageError(`--mode is missing: ${modeHelp}`, "import");
    if (options.as === undefined) throw new UsageError("--as is missing: the e-mail address of an admin of the target", "import");
    const mode = conflictMode(options.mode);
    const choices = importChoices(options);
    const consent = replaceConsent(options);
    const yes = options.yes === true;
    assertAskable(yes, context);
    const work = ({ bundle, name, pool }: OpenFile) =>
      withTarget(context, async ({ scope, connection, store }) => {
        const { sql, description } = connection;
        const importer = await findImporter(sql, scope, options.as);
        const onProgress: ImportRequest["onProgress"] = (progress) => context.output.progress.update(importState(progress));
        const request = {
          sql,
          store,
          scope,
          bundle,
          mode,
          choices,
          consent,
          importer,
          signal: context.signal,
          onProgress,
          ...(pool && { pool }),
        };
        const heading = { bundle: name, target: description, mode, importer: importer.email };
        if (yes) {
          const report = await importBundle({ ...request, ...(options.plan === undefined ? {} : { planDigest: options.plan }) });
          return reportResult(heading, report);
        }
        return withPlanFolder(context, async (keptPlan) => {
          const planDigest = await agree(request, heading, options.plan, { ...context, keptPlan });
          return reportResult(heading, await importBundle({ ...request, planDigest, keptPlan }));
        });
      });
    return withBundle(file!, context, work, options);
  },
});

function assertAskable(yes: boolean, { json }: Context): void {
  if (yes) return;
  if (json) throw new UsageError("--json leaves nobody to ask: add --yes, and --plan DIGEST to be safe", "import");
  if (!canAsk()) throw new UsageError("there is no terminal to ask on: add --yes, and --plan DIGEST to be safe", "import");
}

/** Shows the plan and asks. Gives its digest, so that nothing else than what was shown is applied. */
async function agree(
  request: ImportRequest,
  heading: PlanHeading,
  expected: string | undefined,
  { output, signal, keptPlan }: Context & { keptPlan: string },
): Promise<string> {
  const plan = await previewImport({ ...request, keepIn: keptPlan });
  if (expected !== undefined && expected !== plan.digest) {
    throw new BackupError("IMPORT_PLAN_CHANGED", "this is not the plan that --plan names; preview again", {
      expected,
      found: plan.digest,
    });
  }
  const rows = await readRows(keptPlan, samples, tellingOutcomes);
  await output.error(`${previewText(heading, plan, output.errorPaint, rows)}\n`);
  assertConsent(plan, request.consent);
  const agreed = await confirm("Apply this plan?", signal);
  if (!agreed) throw new Refusal("DECLINED", "not agreed to; nothing was changed");
  return plan.digest;
}

function reportResult(heading: PlanHeading, report: ImportReport): Result {
  return { exitCode: 0, json: { ...heading, ...report }, text: (paint) => reportText(heading, report, paint) };
}

/** As many as fit on a screen; `--json` has all. */
const shown = 20;

function reportText(heading: PlanHeading, report: ImportReport, paint: Paint): string {
  const time = elapsed(Date.parse(report.finished_at) - Date.parse(report.started_at));
  const done = `${paint.green("imported")}  ${safeText(heading.bundle)} into ${safeText(heading.target)} as ${safeText(heading.importer)}, ${heading.mode}, ${time}`;
  const parts = [planText(report.plan, paint, "past")];
  // Tables that stay out as a whole have said so in a line of their own.
  const rows = report.skipped.filter((row) => row.outcome !== "not_imported");
  const skipped = report.plan.tables.reduce(
    (sum, table) => sum + sumOf(table, skippedOutcomes) - (table.outcomes.not_imported ?? 0),
    0,
  );
  if (rows.length > 0) {
    const lines = rows.slice(0, shown).map((row) => `  ${skippedLine(row)}`);
    const more = skipped > lines.length ? [`  … and ${count(skipped - lines.length)} more; --json lists them`] : [];
    parts.push([paint.bold(`${plural(skipped, "row")} skipped`), ...lines, ...more].join("\n"));
  }
  if (report.failed_blobs.length > 0) {
    const lines = report.failed_blobs.slice(0, shown).map(({ key, error }) => `  ${safeName(key, 100)}: ${safeText(error)}`);
    parts.push([paint.yellow(`${plural(report.failed_blobs.length, "object")} could not be written`), ...lines].join("\n"));
  }
  return [...parts, done].join("\n\n");
}
