import * as v from "valibot";
import type { ManifestFile } from "../../bundle/manifest.ts";
import { parseJson } from "../../bundle/manifest.ts";
import { collect } from "../../bytes.ts";
import { referredFiles } from "../../check-references.ts";
import type { CheckedIssue } from "../../checks.ts";
import { BackupError, type ErrorCode, issueFrom } from "../../errors.ts";
import type { FilePool } from "../../file-pool.ts";
import { blobFolder } from "./format.ts";

/** What NodeWarden keeps beside the attachments on a remote target: which are there, and their sizes. */
const indexPath = `${blobFolder}/.nodewarden-attachment-index.v1.json`;
const mostBytes = 256 * 1024 * 1024;

const schema = v.looseObject({ version: v.literal(1), blobs: v.record(v.string(), v.looseObject({ sizeBytes: v.number() })) });

/** Holds the files that an archive refers to against the index beside them; the files themselves decide, so that all are warnings. */
export async function checkRemoteIndex(
  files: readonly ManifestFile[],
  pool: FilePool,
  signal?: AbortSignal,
): Promise<CheckedIssue[]> {
  const referred = referredFiles(files);
  if (referred.length === 0) return [];
  const blobs = await readIndex(pool, signal);
  if (!(blobs instanceof Map)) return blobs;
  return referred.flatMap(({ id, object_key, size }) => {
    const indexed = blobs.get(object_key);
    if (indexed === undefined) return [warning("INTEGRITY_UNLISTED", `${indexPath} does not list ${object_key}`, id)];
    if (size === null || indexed === size) return [];
    return [warning("INTEGRITY_SIZE", `${indexPath} says that ${object_key} has ${indexed} bytes, and the archive ${size}`, id)];
  });
}

function warning(code: ErrorCode, message: string, file?: string): CheckedIssue {
  return { check: "files", severity: "warning", code, message, details: { entry: indexPath, ...(file && { file }) } };
}

async function readIndex(pool: FilePool, signal?: AbortSignal): Promise<Map<string, number> | CheckedIssue[]> {
  try {
    const { size, body } = await pool.open(indexPath, signal === undefined ? {} : { signal });
    if (size > mostBytes) return [warning("LIMIT_ENTRY_BYTES", `${indexPath} has ${size} bytes and was not read`)];
    const parsed = v.safeParse(schema, parseJson(await collect(body), indexPath));
    if (!parsed.success) return [warning("SCHEMA_MANIFEST", `${indexPath} is no index of version 1`)];
    return new Map(Object.entries(parsed.output.blobs).map(([name, { sizeBytes }]) => [name, sizeBytes]));
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    if (error.code === "IO_STORE_MISSING") return [];
    if (error.code !== "SCHEMA_MANIFEST") throw error;
    return [{ ...issueFrom(error), severity: "warning", check: "files" }];
  }
}
