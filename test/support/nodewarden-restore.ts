import { createHash } from "node:crypto";
import { unzipSync } from "fflate";

/**
 * Why NodeWarden's restore would refuse an archive, by its description and with nothing of the engine: whole in memory, by JSON.parse and another
 * ZIP reader. `undefined` where it takes it.
 */
export function refusalOf(bytes: Uint8Array, name: string): string | undefined {
  try {
    restore(bytes, name);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const MiB = 1024 * 1024;
const required = ["config", "users", "user_revisions", "folders", "ciphers", "attachments"];
const optional = ["domain_settings", "webauthn_credentials"];
const keys: Record<string, string[]> = {
  config: ["key"],
  users: ["id", "email"],
  user_revisions: ["user_id"],
  domain_settings: ["user_id"],
  folders: ["id"],
  ciphers: ["id"],
  attachments: ["id"],
  webauthn_credentials: ["id", "credential_id"],
};
const segment = /^[A-Za-z0-9._-]{1,128}$/;

type Row = Record<string, unknown>;

function refuse(condition: boolean, message: string): void {
  if (condition) throw new Error(message);
}

function restore(bytes: Uint8Array, name: string): void {
  const stated = /_([0-9a-f]{5})\.zip$/i.exec(name)?.[1];
  const found = createHash("sha256").update(bytes).digest("hex").slice(0, 5);
  refuse(stated !== undefined && stated !== found, "the name's hash is another one");
  refuse(bytes.length > 64 * MiB, "the archive is larger than 64 MiB");
  assertPlainZip(bytes);
  const files = unzipped(bytes);
  const text = (path: string) => new TextDecoder("utf-8", { fatal: true }).decode(files[path]);
  refuse(files["manifest.json"] === undefined || files["db.json"] === undefined, "a document is missing");
  const manifest = JSON.parse(text("manifest.json"));
  refuse(manifest.formatVersion !== 1, "the format version is not 1");
  assertDatabase(JSON.parse(text("db.json")), files);
}

/** Its reader takes the sizes of the central directory as they stand: what is sent to a ZIP64 record is not a size. */
function assertPlainZip(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.length - 22;
  refuse(view.getUint32(end, true) !== 0x06054b50, "the end record is not at the end");
  refuse(view.getUint16(end + 10, true) === 0xffff || view.getUint32(end + 16, true) === 0xffffffff, "the archive is ZIP64");
  for (let at = view.getUint32(end + 16, true); at < end; ) {
    refuse(view.getUint32(at + 20, true) === 0xffffffff || view.getUint32(at + 24, true) === 0xffffffff, "an entry is ZIP64");
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
}

function unzipped(bytes: Uint8Array): Record<string, Uint8Array> {
  let entries = 0;
  let total = 0;
  return unzipSync(bytes, {
    filter({ name, originalSize }) {
      total += originalSize;
      refuse(++entries > 10_000, "there are more than 10,000 entries");
      refuse(total > 64 * MiB, "it unpacks to more than 64 MiB");
      refuse(name === "db.json" && originalSize > 32 * MiB, "db.json is larger than 32 MiB");
      const [folder, cipher = "", file = "", ...more] = name.split("/");
      const isBlob = folder === "attachments" && file.endsWith(".bin") && more.length === 0;
      const isSafe = [cipher, file.slice(0, -4)].every((part) => segment.test(part) && part !== "." && part !== "..");
      refuse(name !== "manifest.json" && name !== "db.json" && !(isBlob && isSafe), `there is another entry: ${name}`);
      return true;
    },
  });
}

function assertDatabase(db: Record<string, Row[]>, files: Record<string, Uint8Array>): void {
  for (const table of required) refuse(!Array.isArray(db[table]), `the table ${table} is missing or no array`);
  const rows = (table: string): Row[] => db[table] ?? [];
  for (const table of [...required, ...optional]) {
    for (const row of rows(table)) assertValues(table, row);
    for (const key of keys[table]!) assertUnique(table, rows(table), key);
  }
  const ids = (table: string) => new Set(rows(table).map((row) => row["id"]));
  const [userIds, folderIds, cipherIds] = [ids("users"), ids("folders"), ids("ciphers")];
  for (const table of ["domain_settings", "user_revisions", "folders", "ciphers", "webauthn_credentials"])
    for (const row of rows(table)) refuse(!userIds.has(row["user_id"]), `${table}: an unknown user`);
  for (const { folder_id } of rows("ciphers")) refuse(Boolean(folder_id) && !folderIds.has(folder_id), "an unknown folder");
  for (const { id, cipher_id } of rows("attachments")) {
    refuse(!cipherIds.has(cipher_id), "an unknown cipher");
    refuse(files[`attachments/${cipher_id}/${id}.bin`] === undefined, "an attachment's file is missing");
  }
}

/** What SQLite takes for its columns: texts, numbers and NULL. */
function assertValues(table: string, row: Row): void {
  for (const [column, value] of Object.entries(row)) {
    refuse(value !== null && !["string", "number"].includes(typeof value), `${table}.${column} is ${typeof value}`);
    const isTime = /_(at|date)$/.test(column) && value !== null;
    refuse(
      isTime && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value)),
      `${table}.${column} is no ISO date: ${value}`,
    );
  }
  const flags = ["favorite", "verify_devices", "yubikey_nfc", "supports_prf"];
  for (const flag of flags) refuse(flag in row && row[flag] !== 0 && row[flag] !== 1, `${table}.${flag} is not 0 or 1`);
  for (const column of ["user_id", "data", "email", "created_at", "value"])
    refuse(column in row && typeof row[column] !== "string", `${table}.${column} is no text`);
}

function assertUnique(table: string, rows: Row[], key: string): void {
  const values = rows.map((row) => row[key]);
  refuse(
    values.some((value) => !value),
    `${table}: a row without ${key}`,
  );
  refuse(new Set(values).size !== values.length, `${table}: ${key} is there twice`);
}
