/** Every code Holdall reports. Callers match on the code; the message is for people and may change. */
export const errorCodes = Object.freeze([
  "ZIP_TRUNCATED",
  "ZIP_TRAILING_DATA",
  "ZIP_BAD_RECORD",
  "ZIP_AMBIGUOUS",
  "ZIP_HEADER_MISMATCH",
  "ZIP_OVERLAP",
  "ZIP_UNSUPPORTED",
  "STREAM_TRUNCATED",
  "STREAM_BAD_RECORD",
  "STREAM_FAILED",
  "PATH_ABSOLUTE",
  "PATH_TRAVERSAL",
  "PATH_DUPLICATE",
  "PATH_ENCODING",
  "PATH_RESERVED",
  "PATH_SPECIAL_FILE",
  "LIMIT_ARCHIVE_BYTES",
  "LIMIT_ENTRIES",
  "LIMIT_ENTRY_BYTES",
  "LIMIT_TOTAL_BYTES",
  "LIMIT_RATIO",
  "LIMIT_ROW_BYTES",
  "INTEGRITY_CRC",
  "INTEGRITY_SIZE",
  "INTEGRITY_HASH",
  "INTEGRITY_MISSING",
  "INTEGRITY_UNLISTED",
  "INTEGRITY_COUNT",
  "SCHEMA_MANIFEST",
  "SCHEMA_VERSION",
  "SCHEMA_TABLE",
  "SCHEMA_ROW",
  "SCHEMA_SCOPE",
  "IMPORT_LOCKED",
  "IMPORT_PLAN_CHANGED",
  "IMPORT_PLAN_UNKNOWN",
  "IMPORT_NOT_FRESH",
  "IMPORT_LOSS",
  "IMPORT_NO_ADMIN",
  "IMPORT_CONFLICT",
  "AUTH_REQUIRED",
  "AUTH_FORBIDDEN",
  "REQUEST_INVALID",
  "UPLOAD_MISSING",
  "UPLOAD_INCOMPLETE",
  "IO_SOURCE",
  "IO_TARGET",
  "IO_STORE_MISSING",
  "IO_STORE_UNAVAILABLE",
  "IO_DATABASE",
] as const);

export type ErrorCode = (typeof errorCodes)[number];

/** Where and what: shown to people and returned to machines beside the code. */
export interface ErrorDetails {
  /** Path of the bundle entry. */
  entry?: string;
  /** 1-based row of a table entry. */
  row?: number;
  /** 1-based line of a table entry, as an editor counts it. */
  line?: number;
  /** Byte offset in the container. */
  offset?: number;
  table?: string;
  column?: string;
  [key: string]: unknown;
}

/** A failure with a stable code. `message` says what was found, where, and what to do. */
export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** One finding of a validation; validations collect all of them before anything is thrown. */
export interface Issue {
  severity: "error" | "warning";
  code: ErrorCode;
  message: string;
  details: ErrorDetails;
}

export function issueFrom(error: BackupError): Issue {
  return { severity: "error", code: error.code, message: error.message, details: error.details };
}

/** Aborting is not a failure of the input: it is rethrown as it came, never turned into an issue. */
export function rethrowUnlessBackupError(error: unknown): asserts error is BackupError {
  if (!(error instanceof BackupError)) throw error;
}
