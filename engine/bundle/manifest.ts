import * as v from "valibot";
import { utf8 } from "../bytes.ts";
import { BackupError, rethrowUnlessBackupError } from "../errors.ts";
import { parseDocument } from "../json/parse-document.ts";
import { JsonSyntaxError } from "../json/scanner.ts";
import { manifestPath } from "./layout.ts";
import { filesOf, findFiles, type ManifestFiles } from "./manifest-files.ts";

export const bundleFormat = "holdall-bundle";
export const formatVersion = 1;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "a SHA-256 is 64 lowercase hexadecimal digits"));
const text = v.string();

const manifestFile = v.looseObject({
  id: v.pipe(text, v.nonEmpty()),
  /** Path of the entry; `null` where the bundle does not carry the object. */
  path: v.nullable(text),
  /** The object's name as the application knows it. */
  name: v.optional(text),
  object_key: text,
  size: v.nullable(count),
  sha256: v.nullable(sha256),
  content_type: v.nullable(text),
  stored: v.picklist(["bundle", "external", "missing"]),
  /** Where the object is beside the bundle, of one that is external: a path below the folder or bucket that holds the pool. */
  reference: v.optional(text),
});

const manifestTable = v.looseObject({
  name: v.pipe(text, v.nonEmpty()),
  columns: v.array(text),
  rows: count,
  bytes: count,
  /** The column that names the row's file, in a table that owns stored objects. */
  file_id: v.optional(text),
});

const manifestSchema = v.looseObject({
  format: v.literal(bundleFormat, `is not a Holdall bundle: "format" should be "${bundleFormat}"`),
  format_version: count,
  app: v.looseObject({ name: text, version: text }),
  scope: v.looseObject({ name: text, version: count, fingerprint: text }),
  created_at: v.pipe(text, v.isoTimestamp()),
  options: v.record(text, v.boolean()),
  /** The tenants whose rows the bundle holds, where it does not hold all. */
  tenants: v.optional(v.looseObject({ table: text, ids: v.array(text) })),
  table_counts: v.record(text, count),
  tables: v.array(manifestTable),
  files: v.array(manifestFile),
  warnings: v.array(text),
  settings: v.optional(v.record(text, v.unknown())),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ManifestTable = v.InferOutput<typeof manifestTable>;
export type ManifestFile = v.InferOutput<typeof manifestFile>;

/** What is known of a bundle before its first row is read; the ndjson container opens with it. */
export type BundleHeader = Pick<Manifest, "format" | "format_version" | "app" | "scope" | "created_at" | "options" | "tenants">;

/**
 * Reads manifest.json. Unknown keys are kept.
 * @throws BackupError `SCHEMA_VERSION` for a newer format, `SCHEMA_MANIFEST` naming every mistake otherwise.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  return readManifest(bytes).manifest;
}

/** As `parseManifest`; the manifest's `files` are made of their text when they are first asked for. */
export function readManifest(bytes: Uint8Array): { manifest: Manifest; files: ManifestFiles } {
  const found = findFiles(bytes);
  if (found === undefined) return parsedWhole(bytes);
  try {
    const manifest = parsed(found.rest);
    return { manifest: withFiles(manifest, found.files), files: found.files };
  } catch (error) {
    rethrowUnlessBackupError(error);
    // Errors give places in the whole text.
    return parsedWhole(bytes);
  }
}

function parsedWhole(bytes: Uint8Array): { manifest: Manifest; files: ManifestFiles } {
  const manifest = parsed(bytes);
  return { manifest, files: filesOf(manifest.files) };
}

function withFiles(manifest: Manifest, files: ManifestFiles): Manifest {
  let list: ManifestFile[] | undefined;
  const get = () => (list ??= files.page(0, files.length));
  return Object.defineProperty(manifest, "files", { get, enumerable: true, configurable: true });
}

function parsed(bytes: Uint8Array): Manifest {
  const document = parseJson(bytes, manifestPath);
  assertVersion(document);
  const found = v.safeParse(manifestSchema, document);
  if (found.success) return found.output;
  const problems = found.issues.map((issue) => `${v.getDotPath(issue) ?? "the document"}: ${issue.message}`);
  throw new BackupError("SCHEMA_MANIFEST", `${manifestPath}: ${problems.slice(0, 5).join("; ")}`, {
    entry: manifestPath,
    problems,
  });
}

function assertVersion(document: unknown): void {
  const version = (document as { format_version?: unknown } | null)?.format_version;
  if (typeof version !== "number" || version === formatVersion) return;
  throw new BackupError(
    "SCHEMA_VERSION",
    `the bundle has format version ${version} and this Holdall reads version ${formatVersion}; use a Holdall that knows it`,
    { entry: manifestPath, found: version, supported: formatVersion },
  );
}

/** Parses a document of a bundle with errors that name the entry. */
export function parseJson(bytes: Uint8Array, entry: string): unknown {
  try {
    return parseDocument(bytes);
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    const found = `${entry} is not valid JSON: ${cause.message} (byte ${cause.position})`;
    throw new BackupError("SCHEMA_MANIFEST", found, { entry, offset: cause.position }, { cause });
  }
}

/** manifest.json with one item a line, so that two manifests can be compared by any diff. */
export function* formatManifest(manifest: Manifest): Generator<Uint8Array> {
  let separator = "{";
  for (const [key, value] of Object.entries(manifest)) {
    if (value === undefined) continue;
    yield utf8(`${separator}\n  ${JSON.stringify(key)}: `);
    yield* formatItems(value);
    separator = ",";
  }
  yield utf8("\n}\n");
}

function* formatItems(value: unknown): Generator<Uint8Array> {
  if (typeof value !== "object" || value === null) return yield utf8(JSON.stringify(value));
  const lines = Array.isArray(value)
    ? value.map((item) => JSON.stringify(item))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${JSON.stringify(item)}`);
  const [opening, closing] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (lines.length === 0) return yield utf8(opening + closing);
  yield utf8(`${opening}\n`);
  const perPiece = 512;
  for (let i = 0; i < lines.length; i += perPiece) {
    const piece = lines.slice(i, i + perPiece).map((line) => `    ${line}`);
    yield utf8(`${i > 0 ? ",\n" : ""}${piece.join(",\n")}`);
  }
  yield utf8(`\n  ${closing}`);
}
