import { zipSync } from "fflate";

/** An instance backup as NodeWarden 1.8.0 writes it, of invented people; nothing in it opens anything. */
type Row = Record<string, unknown>;

export interface Archive {
  manifest: Record<string, unknown>;
  db: Record<string, Row[]>;
  /** Content of attachments, by `<cipherId>/<attachmentId>`. */
  blobs: Map<string, Uint8Array>;
}

const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 12, 0, second, 123)).toISOString();
const id = (kind: number, number: number) =>
  `${String(kind).padStart(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`;
const secret = (text: string) => `2.${btoa(text)}|AAAA|BBBB`;

const users = [1, 2, 3].map((n) => ({
  id: id(1, n),
  email: `user${n}@vault.example`,
  name: ["Åsa Öst 山田 🔐", "Ben", "Chloé"][n - 1]!,
  master_password_hint: n === 1 ? 'quoted " and \\ back\nline' : null,
  master_password_hash: `$s$${"h".repeat(20)}${n}`,
  key: secret(`key ${n}`),
  private_key: secret(`private ${n}`),
  public_key: `MIIB${n}`,
  kdf_type: n === 2 ? 1 : 0,
  kdf_iterations: n === 2 ? 3 : 600_000,
  kdf_memory: n === 2 ? 64 : null,
  kdf_parallelism: n === 2 ? 4 : null,
  security_stamp: id(9, n),
  role: n === 1 ? "admin" : "user",
  status: n === 3 ? "banned" : "active",
  verify_devices: n % 2,
  totp_secret: n === 2 ? "JBSWY3DPEHPK3PXP" : null,
  totp_recovery_code: null,
  yubikey_key1: null,
  yubikey_key2: null,
  yubikey_key3: null,
  yubikey_key4: null,
  yubikey_key5: null,
  yubikey_nfc: 0,
  created_at: at(n),
  updated_at: at(n + 10),
}));

const ciphers = [1, 2, 3, 4, 5].map((n) => ({
  id: id(3, n),
  user_id: id(1, n < 4 ? 1 : 2),
  type: n === 5 ? 2 : 1,
  folder_id: n === 1 ? id(2, 1) : null,
  name: secret(`cipher ${n}`),
  notes: n === 2 ? secret("notes") : null,
  favorite: n === 1 ? 1 : 0,
  // Fields that no version knows, a number that no double holds, and an escaped slash.
  data: n === 3 ? '{ "future" : {"exact":12345678901234567890.10},\t"u\\/v":"\\u00e9" }' : `{"login":{"uris":null},"n":${n}}`,
  reprompt: n === 4 ? 1 : null,
  key: n === 5 ? secret("own key") : null,
  created_at: at(n + 20),
  updated_at: at(n + 30),
  archived_at: n === 4 ? at(50) : null,
  deleted_at: n === 5 ? at(51) : null,
}));

const contents = new Map([
  [`${id(3, 1)}/${id(4, 1)}`, new Uint8Array(0)],
  [`${id(3, 1)}/${id(4, 2)}`, Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) & 255)],
  [`${id(3, 4)}/${id(4, 3)}`, new TextEncoder().encode("attachment text ".repeat(400))],
]);

const attachments = [...contents].map(([name, bytes], n) => ({
  id: name.split("/")[1]!,
  cipher_id: name.split("/")[0]!,
  file_name: secret(`file ${n}.txt`),
  size: bytes.length,
  size_name: `${bytes.length} Bytes`,
  key: n === 2 ? null : secret(`file key ${n}`),
}));

const db = {
  config: [
    { key: "audit.logs.settings.v1", value: '{"retentionDays":90}' },
    {
      key: "backup.settings.v1",
      value: '{"version":2,"portableOnly":true,"runtime":{"iv":"","ciphertext":""},"portable":{"iv":"AAAA","ciphertext":"BBBB"}}',
    },
    { key: "registered", value: "true" },
  ],
  users,
  domain_settings: [
    {
      user_id: id(1, 1),
      equivalent_domains: '[["a.example","b.example"]]',
      custom_equivalent_domains: "[]",
      excluded_global_equivalent_domains: "[0,5]",
      updated_at: at(40),
    },
  ],
  user_revisions: [1, 2].map((n) => ({ user_id: id(1, n), revision_date: at(40 + n) })),
  folders: [{ id: id(2, 1), user_id: id(1, 1), name: secret("folder"), created_at: at(15), updated_at: at(16) }],
  ciphers,
  attachments,
  webauthn_credentials: [
    {
      id: id(5, 1),
      user_id: id(1, 1),
      purpose: "login",
      name: "Key 🔑",
      public_key: "cHVibGlj",
      credential_id: "Y3JlZGVudGlhbA",
      counter: 7,
      type: "public-key",
      aa_guid: null,
      transports: '["usb","nfc"]',
      encrypted_user_key: secret("prf"),
      encrypted_public_key: null,
      encrypted_private_key: null,
      supports_prf: 1,
      created_at: at(45),
      updated_at: at(46),
    },
  ],
} satisfies Record<string, Row[]>;

/** A fresh copy, to be changed at will before `archiveBytes`. */
export function sampleArchive({ attachments: carried = true } = {}): Archive {
  const tables: Record<string, Row[]> = structuredClone(db);
  if (!carried) tables["attachments"] = [];
  const blobs = new Map(carried ? contents : []);
  return { manifest: manifestOf(tables, blobs, carried), db: tables, blobs };
}

function manifestOf(tables: Archive["db"], blobs: Archive["blobs"], carried: boolean) {
  const sizes = [...blobs.values()].map(({ length }) => length);
  return {
    formatVersion: 1,
    exportedAt: at(59),
    appVersion: "1.8.0",
    storageKind: "r2",
    tableCounts: Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.length])),
    includes: { attachments: carried },
    blobSummary: {
      attachmentFiles: sizes.length,
      totalBytes: sizes.reduce((sum, size) => sum + size, 0),
      largestObjectBytes: Math.max(0, ...sizes),
    },
    attachmentBlobs: [...blobs].map(([blobName, { length: sizeBytes }]) => {
      const [cipherId, attachmentId] = blobName.split("/");
      return { cipherId, attachmentId, blobName, sizeBytes };
    }),
  };
}

export interface ArchiveForm {
  /** Deflate level; NodeWarden stores. */
  level?: 0 | 6;
  indent?: number;
  /** Attachments stay beside the archive, as on its remote targets. */
  byReference?: boolean;
  /** Entries besides, by path; `null` takes one away. */
  entries?: Record<string, Uint8Array | null>;
  /** db.json as it is, instead of the tables. */
  dbText?: string;
}

export function archiveBytes(archive: Archive, { level = 0, indent = 2, byReference, entries = {}, dbText }: ArchiveForm = {}) {
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value, null, indent));
  const all: Record<string, Uint8Array | null> = {
    "manifest.json": text(archive.manifest),
    "db.json": dbText === undefined ? text(archive.db) : new TextEncoder().encode(dbText),
    ...(byReference ? {} : Object.fromEntries([...archive.blobs].map(([name, bytes]) => [`attachments/${name}.bin`, bytes]))),
    ...entries,
  };
  const kept = Object.entries(all).filter((entry): entry is [string, Uint8Array] => entry[1] !== null);
  return zipSync(Object.fromEntries(kept), { level, mtime: new Date(2026, 2, 1, 12) });
}

/** The name that it has with its maker. */
export async function archiveName(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  const digits = [...hash.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `nodewarden_backup_20260301_120059_${digits.slice(0, 5)}.zip`;
}
