import { utf8 } from "../bytes.ts";
import { BackupError } from "../errors.ts";
import { roleOf, thinPath } from "./layout.ts";
import { parseJson } from "./manifest.ts";

export const thinFormat = "holdall-thin";
const thinVersion = 1;

/** A file that a thin bundle names and does not carry. */
export interface OmittedFile {
  path: string;
  /** Lowercase hex. */
  sha256: string;
  /** Bytes. */
  size: number;
}

/** What thin.json lists, by path. */
export type Omitted = ReadonlyMap<string, OmittedFile>;

/**
 * Reads thin.json.
 * @throws BackupError `SCHEMA_VERSION` for another version, `SCHEMA_MANIFEST` where the document has another shape.
 */
export function parseThin(bytes: Uint8Array): Omitted {
  const document = parseJson(bytes, thinPath) as { format?: unknown; version?: unknown; files?: unknown } | null;
  if (document?.format !== thinFormat || typeof document.version !== "number" || !Array.isArray(document.files)) {
    throw bad(`${thinPath} should be {"format":"${thinFormat}","version":${thinVersion},"files":[{path, sha256, size}]}`);
  }
  if (document.version !== thinVersion) {
    const message = `${thinPath} has version ${document.version} and this Holdall reads version ${thinVersion}; use a Holdall that knows it`;
    throw new BackupError("SCHEMA_VERSION", message, { entry: thinPath, found: document.version, supported: thinVersion });
  }
  const omitted = new Map<string, OmittedFile>();
  for (const item of document.files) {
    const file = omittedFile(item);
    if (omitted.has(file.path)) throw bad(`${thinPath} lists ${file.path} twice`);
    omitted.set(file.path, file);
  }
  return omitted;
}

function omittedFile(item: unknown): OmittedFile {
  const { path, sha256, size } = (item ?? {}) as { path?: unknown; sha256?: unknown; size?: unknown };
  if (typeof path !== "string" || roleOf(path)?.kind !== "file") throw bad(`${thinPath}: ${String(path)} is no file of a bundle`);
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256))
    throw bad(`${thinPath}: the hash of ${path} is not a SHA-256`);
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw bad(`${thinPath}: the size of ${path} is no number of bytes`);
  return { path, sha256, size: size as number };
}

function bad(message: string): BackupError {
  return new BackupError("SCHEMA_MANIFEST", message, { entry: thinPath });
}

/** thin.json, one file a line; the same files give the same bytes. */
export function formatThin(files: readonly OmittedFile[]): Uint8Array {
  const lines = files.map(({ path, sha256, size }) => JSON.stringify({ path, sha256, size }));
  return utf8(`{"format":"${thinFormat}","version":${thinVersion},"files":[\n${lines.join(",\n")}\n]}\n`);
}
