import { roleOf } from "../../../engine/bundle/layout.ts";
import { referredFiles } from "../../../engine/check-references.ts";
import type { Bundle } from "../../../engine/read-bundle.ts";
import { type Verification, type VerifyProgress, verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../codec-node.ts";
import { type OpenFile, readingOptions, withBundle } from "../bundle-file.ts";
import { defineCommand, type Result } from "../command.ts";
import { issueLines } from "../issue-lines.ts";
import { bytes, count, plural } from "../numbers.ts";
import type { Paint } from "../paint.ts";
import type { ProgressState } from "../progress-line.ts";
import { safeText } from "../safe-text.ts";
import { UsageError } from "../usage-error.ts";

export const verify = defineCommand({
  name: "verify",
  purpose: "Reads every byte of a bundle and holds it against its checksums and its manifest. Prints every finding.",
  operands: [{ name: "FILE", help: "a bundle, zip or ndjson; - for a pipe" }],
  options: {
    ...readingOptions,
    files: { type: "boolean", help: "also the files that the bundle only refers to: each is read and hashed" },
  },
  general: "output",
  examples: [
    "holdall verify backup.zip",
    "holdall verify backup.zip --files --pool s3://backups/easm",
    "ssh other 'holdall export --out -' | holdall verify -",
  ],
  exitCodes: { 0: "the bundle is whole; there may be warnings", 1: "it is not, and every finding is printed" },
  run: ({ operands: [file], options }, context) => {
    const work = async ({ bundle, name, pool }: OpenFile): Promise<Result> => {
      const { output, signal } = context;
      const onProgress = (progress: VerifyProgress) => output.progress.update(verifyState(progress));
      if (options.files === true && pool === undefined) assertNothingReferred(bundle);
      const referred = { ...(options.files === true && pool && { pool }) };
      const unread = referred.pool === undefined ? referredFiles(bundle.manifest.files).length : 0;
      const found = await verifyBundle(bundle, { codec: nodeCodec, signal, onProgress, ...referred });
      return {
        exitCode: found.valid ? 0 : 1,
        json: { file: name, ...found },
        text: (paint) => verifyText(name, found, unread, paint),
      };
    };
    return withBundle(file!, context, work, options);
  },
});

/** Nothing beside a pipe. */
function assertNothingReferred({ manifest }: Bundle): void {
  if (referredFiles(manifest.files).length > 0)
    throw new UsageError("the bundle refers to files, and comes through a pipe: say where they are with --pool", "verify");
}

function verifyState({ entry, bytesDone, bytesTotal, rows }: VerifyProgress): ProgressState {
  const role = roleOf(entry);
  const item = role?.kind === "table" ? role.table : role?.kind === "file" ? "files" : entry;
  return { phase: "verify", item, rows, bytes: bytesDone, fraction: bytesTotal === 0 ? 1 : bytesDone / bytesTotal };
}

function verifyText(name: string, found: Verification, unread: number, paint: Paint): string {
  const rows = Object.values(found.rows).reduce((sum, value) => sum + value, 0);
  const read = `${plural(found.entries, "entry", "entries")}, ${plural(rows, "row")}, ${bytes(found.bytes)}`;
  const errors = found.issues.filter((issue) => issue.severity === "error").length;
  const warnings = found.issues.length - errors;
  const counted = [
    ...(errors > 0 || !found.valid ? [plural(errors, "error")] : []),
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
  ].join(", ");
  const verdict = found.valid ? paint.green("valid") : paint.red("invalid");
  const last = `${verdict}  ${safeText(name)}: ${[counted, read].filter((text) => text !== "").join("; ")}`;
  const cut = found.issues.length >= 1000 ? [`only the first ${count(found.issues.length)} findings are listed`] : [];
  const beside =
    unread === 0
      ? []
      : [`${plural(unread, "file")} beside the bundle ${unread === 1 ? "was" : "were"} not read; --files reads them, too`];
  return [...(found.issues.length > 0 ? [issueLines(found.issues, paint)] : []), ...cut, ...beside, last].join("\n");
}
