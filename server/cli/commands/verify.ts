import { roleOf } from "../../../engine/bundle/layout.ts";
import { type Verification, type VerifyProgress, verifyBundle } from "../../../engine/verify-bundle.ts";
import { nodeCodec } from "../../codec-node.ts";
import { withBundle } from "../bundle-file.ts";
import { defineCommand } from "../command.ts";
import { issueLines } from "../issue-lines.ts";
import { bytes, count, plural } from "../numbers.ts";
import type { Paint } from "../paint.ts";
import type { ProgressState } from "../progress-line.ts";
import { safeText } from "../safe-text.ts";

export const verify = defineCommand({
  name: "verify",
  purpose: "Reads every byte of a bundle and holds it against its checksums and its manifest. Prints every finding.",
  operands: [{ name: "FILE", help: "a bundle, zip or ndjson; - for a pipe" }],
  options: {},
  general: "output",
  examples: ["holdall verify backup.zip", "ssh other 'holdall export --out -' | holdall verify -"],
  exitCodes: { 0: "the bundle is whole; there may be warnings", 1: "it is not, and every finding is printed" },
  run: ({ operands: [file] }, context) =>
    withBundle(file!, context, async ({ bundle, name }) => {
      const { output, signal } = context;
      const onProgress = (progress: VerifyProgress) => output.progress.update(verifyState(progress));
      const found = await verifyBundle(bundle, { codec: nodeCodec, signal, onProgress });
      return { exitCode: found.valid ? 0 : 1, json: { file: name, ...found }, text: (paint) => verifyText(name, found, paint) };
    }),
});

function verifyState({ entry, bytesDone, bytesTotal, rows }: VerifyProgress): ProgressState {
  const role = roleOf(entry);
  const item = role?.kind === "table" ? role.table : role?.kind === "file" ? "files" : entry;
  return { phase: "verify", item, rows, bytes: bytesDone, fraction: bytesTotal === 0 ? 1 : bytesDone / bytesTotal };
}

function verifyText(name: string, found: Verification, paint: Paint): string {
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
  return [...(found.issues.length > 0 ? [issueLines(found.issues, paint)] : []), ...cut, last].join("\n");
}
