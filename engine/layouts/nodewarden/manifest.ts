import * as v from "valibot";
import { manifestPath } from "../../bundle/layout.ts";
import { parseJson } from "../../bundle/manifest.ts";
import { BackupError } from "../../errors.ts";
import { formatVersion } from "./format.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const blob = v.looseObject({ cipherId: v.string(), attachmentId: v.string(), blobName: v.string(), sizeBytes: count });

const schema = v.looseObject({
  exportedAt: v.pipe(v.string(), v.isoTimestamp()),
  appVersion: v.string(),
  tableCounts: v.optional(v.record(v.string(), count), {}),
  includes: v.optional(v.looseObject({ attachments: v.optional(v.boolean()) }), {}),
  attachmentBlobs: v.nullish(v.array(blob), []),
});

export type NodewardenManifest = v.InferOutput<typeof schema>;
export type AttachmentBlob = v.InferOutput<typeof blob>;

/**
 * @throws BackupError `SCHEMA_VERSION` for a format version other than the number 1, `SCHEMA_MANIFEST` naming every other mistake.
 */
export function parseNodewardenManifest(bytes: Uint8Array): NodewardenManifest {
  const document = parseJson(bytes, manifestPath);
  const found = (document as { formatVersion?: unknown } | null)?.formatVersion;
  if (found !== formatVersion) {
    const message = `the NodeWarden archive has format version ${JSON.stringify(found) ?? "none"} and this Holdall reads version ${formatVersion}`;
    throw new BackupError("SCHEMA_VERSION", message, { entry: manifestPath, found, supported: formatVersion });
  }
  const parsed = v.safeParse(schema, document);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "the document"}: ${issue.message}`);
  throw new BackupError("SCHEMA_MANIFEST", `${manifestPath}: ${problems.slice(0, 5).join("; ")}`, {
    entry: manifestPath,
    problems,
  });
}
