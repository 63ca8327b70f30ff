import type { Bundle } from "../../../engine/read-bundle.ts";
import { withBundle } from "../bundle-file.ts";
import { defineCommand } from "../command.ts";
import { bytes, count, plural } from "../numbers.ts";
import type { Paint } from "../paint.ts";
import { safeName, safeText } from "../safe-text.ts";
import { fields, textTable } from "../text-table.ts";

export const inspect = defineCommand({
  name: "inspect",
  purpose: "Shows what a bundle says it holds. Reads its directory and its manifest only: quick on any size, and no proof.",
  operands: [{ name: "FILE", help: "a bundle, zip or ndjson; - for a pipe" }],
  options: {},
  general: "output",
  examples: ["holdall inspect backup.zip", "holdall inspect backup.zip --json | jq .tables"],
  exitCodes: { 0: "shown", 1: "this is no bundle, or one whose directory or manifest is damaged" },
  run: ({ operands: [file] }, context) =>
    withBundle(file!, context, async ({ bundle, name }) => {
      const found = summaryOf(bundle, name);
      return { exitCode: 0, json: found, text: (paint) => inspectText(found, paint) };
    }),
});

type Summary = ReturnType<typeof summaryOf>;

function summaryOf({ manifest, container, layout }: Bundle, file: string) {
  const stored = { bundle: 0, external: 0, missing: 0 };
  let fileBytes = 0;
  for (const item of manifest.files) {
    stored[item.stored]++;
    if (item.stored === "bundle") fileBytes += item.size ?? 0;
  }
  return {
    file,
    container: container.kind,
    layout,
    bytes: container.size,
    unpacked_bytes: container.entries.reduce((sum, entry) => sum + entry.size, 0),
    entries: container.entries.length,
    format_version: manifest.format_version,
    app: manifest.app,
    scope: manifest.scope,
    created_at: manifest.created_at,
    options: manifest.options,
    tables: manifest.tables.map(({ name, rows, bytes: size, columns }) => ({ name, rows, bytes: size, columns: columns.length })),
    files: { ...stored, bytes: fileBytes },
    settings: Object.keys(manifest.settings ?? {}),
    warnings: manifest.warnings,
  };
}

function inspectText(found: Summary, paint: Paint): string {
  const { app, scope, files } = found;
  const options = Object.entries(found.options).map(([name, on]) => `${safeName(name)}=${on}`);
  const fingerprint = scope.fingerprint === "" ? "" : `, fingerprint ${safeName(scope.fingerprint.slice(0, 16))}`;
  const about = fields(
    [
      ["bundle", `${safeText(found.file)}, ${found.container}, ${bytes(found.bytes)}`],
      ...(found.layout === "holdall" ? [] : [["layout", found.layout] as const]),
      ["holds", `${plural(found.entries, "entry", "entries")}, ${bytes(found.unpacked_bytes)} unpacked`],
      ["app", `${safeName(app.name)} ${safeName(app.version)}`],
      ["scope", `${safeName(scope.name)} version ${scope.version}${fingerprint}`],
      ["created", safeName(found.created_at)],
      ["options", options.join(" ") || "none"],
      ["settings", found.settings.map((key) => safeName(key)).join(", ") || "none"],
      ["files", filesText(files)],
    ],
    paint,
  );
  const rows = found.tables.map((table) => [safeName(table.name), count(table.rows), bytes(table.bytes), count(table.columns)]);
  const columns = [{ title: "table" }, ...["rows", "size", "columns"].map((title) => ({ title, right: true }))];
  const warnings = found.warnings.map((warning) => `${paint.yellow("warning")}  ${safeText(warning)}`);
  return [about, textTable(columns, rows, paint), ...(warnings.length > 0 ? [warnings.join("\n")] : [])].join("\n\n");
}

function filesText(files: Summary["files"]): string {
  const parts = [`${count(files.bundle)} in the bundle (${bytes(files.bytes)})`];
  if (files.external > 0) parts.push(`${count(files.external)} named and not carried`);
  if (files.missing > 0) parts.push(`${count(files.missing)} missing since the export`);
  return parts.join(", ");
}
