/**
 * What NodeWarden's instance backups hold, format version 1: facts of its archives and of the schema that they are restored into
 * (docs/format.md, "NodeWarden").
 */
export const formatVersion = 1;
export const dbPath = "db.json";
export const blobFolder = "attachments";
export const attachmentsTable = "attachments";
/** Its scope here. */
export const scopeName = "vault";

/** What it restores at most. */
export const archiveBytes = 64 * 1024 * 1024;
export const extractedBytes = 64 * 1024 * 1024;
export const dbBytes = 32 * 1024 * 1024;
export const entryCount = 10_000;

interface TableFormat {
  /** May be left out. */
  optional?: true;
  /** Columns of which each has to be unique. */
  unique: readonly string[];
  /** Tables of which a column names a row; `null` is allowed where the column is not among `required`. */
  references: Readonly<Record<string, string>>;
  /** Columns that may not be null. */
  required: readonly string[];
}

const dated = ["created_at", "updated_at"];

/** In the order in which it writes them. */
export const tables: Readonly<Record<string, TableFormat>> = {
  config: { unique: ["key"], references: {}, required: ["key", "value"] },
  users: {
    unique: ["id", "email"],
    references: {},
    required: [
      ...["id", "email", "master_password_hash", "key", "kdf_type", "kdf_iterations", "security_stamp", "role", "status"],
      ...["verify_devices", ...dated],
    ],
  },
  domain_settings: {
    optional: true,
    unique: ["user_id"],
    references: { user_id: "users" },
    required: [
      ...["user_id", "equivalent_domains", "custom_equivalent_domains", "excluded_global_equivalent_domains", "updated_at"],
    ],
  },
  user_revisions: { unique: ["user_id"], references: { user_id: "users" }, required: ["user_id", "revision_date"] },
  folders: { unique: ["id"], references: { user_id: "users" }, required: ["id", "user_id", "name", ...dated] },
  ciphers: {
    unique: ["id"],
    references: { user_id: "users", folder_id: "folders" },
    required: ["id", "user_id", "type", "favorite", "data", ...dated],
  },
  attachments: {
    unique: ["id"],
    references: { cipher_id: "ciphers" },
    required: ["id", "cipher_id", "file_name", "size", "size_name"],
  },
  webauthn_credentials: {
    optional: true,
    unique: ["id", "credential_id"],
    references: { user_id: "users" },
    required: ["id", "user_id", "name", "public_key", "credential_id", "counter", "supports_prf", ...dated],
  },
};

const segment = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/;

/** Whether an id may stand in a path. */
export function isSegment(id: string): boolean {
  return segment.test(id);
}

/** An attachment's path in the archive. */
export function blobPath({ cipherId, attachmentId }: BlobName): string {
  return `${blobFolder}/${cipherId}/${attachmentId}.bin`;
}

/** Its path on a remote target, beside the archive. */
export function referencePath({ cipherId, attachmentId }: BlobName): string {
  return `${blobFolder}/${cipherId}/${attachmentId}`;
}

export interface BlobName {
  cipherId: string;
  attachmentId: string;
}

export function isBlobPath(path: string): boolean {
  const parts = path.split("/");
  const [folder, cipherId = "", name = ""] = parts;
  if (parts.length !== 3 || folder !== blobFolder || !name.endsWith(".bin")) return false;
  return isSegment(cipherId) && isSegment(name.slice(0, -4));
}

/** The first digits of the SHA-256 that a file's name says the file has. */
export function hashInName(name: string): string | undefined {
  return /_([0-9a-f]{5})\.zip$/i.exec(name)?.[1]?.toLowerCase();
}
