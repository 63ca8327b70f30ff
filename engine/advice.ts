import type { ErrorCode } from "./errors.ts";

/** What to do about a finding, in one sentence; a message says what was found and where. */
export function adviceFor(code: ErrorCode): string {
  return exact[code] ?? families[code.slice(0, code.indexOf("_"))] ?? "try again, and look into the server's log if it stays so";
}

const again = "obtain the bundle again from where it was exported; compare its SHA-256 if you have it";
const changed =
  "the content was changed after the export, or damaged on the way: obtain the bundle again, and trust no copy of it";

const exact: Partial<Record<ErrorCode, string>> = {
  ZIP_TRUNCATED: "choose a whole bundle, or obtain it again: its transfer was interrupted, or this is no bundle",
  ZIP_TRAILING_DATA: "something was appended to the archive: obtain it again, and do not trust this copy",
  ZIP_UNSUPPORTED: "pack the content again as an ordinary ZIP: deflate or stored, not encrypted, not split",
  ZIP_OVERLAP: "the archive was made to be read differently by different programs: do not use it",
  ZIP_AMBIGUOUS: "the archive was made to be read differently by different programs, or edited: export again",
  ZIP_HEADER_MISMATCH: "the archive was edited or made to be read differently by different programs: export again",
  STREAM_TRUNCATED: "the export was cut off: run it again",
  STREAM_FAILED: "the export failed at the server: look up the cause there and run it again",
  INTEGRITY_HASH: changed,
  INTEGRITY_MISSING: "the bundle is incomplete: export again",
  INTEGRITY_UNLISTED: "something was added to the bundle after the export: obtain it again",
  SCHEMA_VERSION: "upgrade this installation to a version that knows the bundle's format, then try again",
  SCHEMA_SCOPE: "choose a bundle of this application",
  SCHEMA_MANIFEST: "this is no bundle, or one that was edited: export again",
  IO_TARGET: "make room, or choose another place, and run the export again; nothing that looks complete was left",
  IO_SOURCE: "the file could not be read: see that it is still where it was and was not changed, then choose it again",
};

const families: Record<string, string> = {
  ZIP: again,
  STREAM: again,
  INTEGRITY: again,
  SCHEMA: "the bundle was edited, or made by a faulty program: export again",
  PATH: "the bundle names files in a way that some systems take for another place: do not use it, and export again",
  LIMIT: "the bundle is larger than what this installation accepts: export with fewer files, or raise the limit",
};
