import { utf8 } from "../bytes.ts";
import { BackupError } from "../errors.ts";
import { checksumsPath } from "./layout.ts";
import { parseJson } from "./manifest.ts";

/** SHA-256 in lowercase hex by entry path. */
export type Checksums = Map<string, string>;

/** @throws BackupError `SCHEMA_MANIFEST` where the document has another shape. */
export function parseChecksums(bytes: Uint8Array): Checksums {
  const document = parseJson(bytes, checksumsPath) as { algorithm?: unknown; entries?: unknown } | null;
  if (document?.algorithm !== "sha256" || typeof document.entries !== "object" || document.entries === null) {
    throw bad(`${checksumsPath} should be {"algorithm":"sha256","entries":{path: hex}}`);
  }
  const checksums: Checksums = new Map();
  for (const [path, hash] of Object.entries(document.entries)) {
    if (typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash))
      throw bad(`${checksumsPath}: the hash of ${path} is not a SHA-256`);
    checksums.set(path, hash);
  }
  return checksums;
}

function bad(message: string): BackupError {
  return new BackupError("SCHEMA_MANIFEST", message, { entry: checksumsPath });
}

/** checksums.json, one entry a line. */
export function* formatChecksums(checksums: Checksums): Generator<Uint8Array> {
  yield utf8('{"algorithm":"sha256","entries":{\n');
  const lines: string[] = [];
  let first = true;
  for (const [path, hash] of checksums) {
    lines.push(`${first ? "" : ",\n"}${JSON.stringify(path)}:"${hash}"`);
    first = false;
    if (lines.length === 512) yield utf8(lines.splice(0).join(""));
  }
  lines.push(`${first ? "" : "\n"}}}\n`);
  yield utf8(lines.join(""));
}
