import { layoutNames } from "../../../engine/layouts/index.ts";
import { type OpenFile, readingOptions, withBundle } from "../bundle-file.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";
import { oneOf } from "../values.ts";
import { targetOf, writeConverted } from "../write-converted.ts";

const formats = ["zip", "ndjson"] as const;

export const convert = defineCommand({
  name: "convert",
  purpose:
    "Writes a bundle anew, in another product's layout or another container. The bundle is verified first; nothing is written of one that is not valid.",
  operands: [
    { name: "IN", help: "a bundle in any layout, zip or ndjson; - for a pipe" },
    { name: "OUT", help: "a file, a folder, which gives it its usual name, or - for a pipe" },
  ],
  options: {
    to: { type: "string", value: "LAYOUT", help: `${layoutNames.join(" or ")} (required)` },
    format: { type: "string", value: "FORMAT", help: "zip, or ndjson for pipes", default: "by the name of OUT, else zip" },
    ...readingOptions,
    force: { type: "boolean", help: "replace OUT" },
  },
  general: "output",
  examples: [
    "holdall convert nodewarden_backup_20261122_044949_f995b.zip vault.zip --to holdall",
    "holdall convert vault.zip restore/ --to nodewarden",
    "holdall convert backup.zip - --to holdall --format ndjson | jq -r 'select(.severity)'",
  ],
  exitCodes: { 0: "the new bundle is complete and on the disk", 1: "refused, or not valid: nothing was written" },
  async run({ operands: [file, out], options }, context) {
    if (options.to === undefined) throw new UsageError(`--to is missing: ${layoutNames.join(" or ")}`, "convert");
    const to = oneOf("--to", options.to, layoutNames);
    const format = oneOf("--format", options.format ?? (out!.endsWith(".ndjson") ? "ndjson" : "zip"), formats);
    if (out === "-" && process.stdout.isTTY)
      throw new UsageError("a bundle is nothing for a terminal: pipe it or name a file", "convert");
    const target = await targetOf(out!, options.force === true);
    const work = async (opened: OpenFile) => writeConverted(opened, { to, format, target, began: performance.now() }, context);
    return withBundle(file!, context, work, options);
  },
});
