import type { Row } from "../demo/copy-rows.ts";
import { daysAgo, epoch, type Random, Series } from "../demo/random.ts";
import { base64url, type DemoInstance, foldersEach, sealed } from "./demo-instance.ts";

export const defaultAdminEmail = "admin@vault.example";

const names = ["Åsa Öster", "山田太郎 🔐", "Renée d'Été", "אבי כהן", 'Bob "Bobby" Tables', "Ngọc", "Δημήτρης"];

/** The moments of the product: ISO 8601 with milliseconds. */
export function moment(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** Columns of an account that nobody can sign in to: its hash is of no password. */
function accountRow(series: Series, index: number, email: string): Row {
  const random = series.random(index);
  const created = daysAgo(random, 900);
  const argon = random.once(3);
  const totp = random.once(3);
  return {
    id: series.id(index),
    email,
    name: index === 0 ? "Administrator" : random.pick(names),
    master_password_hint: random.once(2) ? null : 'the usual – "with" a \\ and 犬',
    master_password_hash: `$s$${Buffer.from(random.bytes(32)).toString("base64")}`,
    key: sealed(random, 64),
    private_key: sealed(random, 1232),
    public_key: Buffer.from(random.bytes(294)).toString("base64"),
    kdf_type: argon ? 1 : 0,
    kdf_iterations: argon ? 3 : 600_000,
    kdf_memory: argon ? 64 : null,
    kdf_parallelism: argon ? 4 : null,
    security_stamp: series.id(index + 1_000_000),
    role: index === 0 ? "admin" : "user",
    status: index > 0 && random.once(8) ? "banned" : "active",
    verify_devices: random.once(2) ? 1 : 0,
    totp_secret: totp ? random.hex(32).toUpperCase() : null,
    totp_recovery_code: totp ? random.hex(32).toUpperCase() : null,
    yubikey_key1: random.once(4) ? "cccccckdvvul" : null,
    yubikey_nfc: random.once(4) ? 1 : 0,
    api_key: random.once(2) ? `nw-api-key-${random.hex(30)}` : null,
    created_at: moment(created),
    updated_at: moment(created + random.below(8e8)),
  };
}

/** The only user of an installation that has just been set up. */
export function firstAdmin(email: string): Row {
  return accountRow(new Series(0, "vault first admin"), 0, email);
}

export function* userRows({ users, options }: DemoInstance): Generator<Row> {
  yield accountRow(users, 0, options.adminEmail ?? defaultAdminEmail);
  for (let user = 1; user < options.users; user++) yield accountRow(users, user, `user.${user}@vault.example`);
}

export function* revisionRows({ users, options }: DemoInstance): Generator<Row> {
  for (let user = 0; user < options.users; user++) {
    yield { user_id: users.id(user), revision_date: moment(daysAgo(users.random(user), 30)) };
  }
}

export function* domainRows({ users, options }: DemoInstance): Generator<Row> {
  for (let user = 0; user < options.users; user += 2) {
    const random = users.random(user + 5_000_000);
    yield {
      user_id: users.id(user),
      // As clients and hands write it: white space, numbers and escapes are kept as they are.
      equivalent_domains: random.pick(['[["a.test","b.test"]]', '[ ["xn--exmple-cua.test", "ex\\u00e4mple.test"] ]', "[]"]),
      custom_equivalent_domains: '[{"id":"custom:a.test|b.test:0","domains":["a.test","b.test"],"excluded":false}]',
      excluded_global_equivalent_domains: random.pick(["[0,5,37]", "[ 5.0 ]", "[]"]),
      updated_at: moment(daysAgo(random, 90)),
    };
  }
}

export function* folderRows({ users, folders, counts }: DemoInstance): Generator<Row> {
  for (let folder = 0; folder < counts["folders"]!; folder++) {
    const random = folders.random(folder);
    const created = daysAgo(random, 700);
    yield {
      id: folders.id(folder),
      user_id: users.id(Math.floor(folder / foldersEach)),
      name: sealed(random),
      created_at: moment(created),
      updated_at: moment(created + random.below(8e8)),
    };
  }
}

export function* passkeyRows({ users, passkeys, options }: DemoInstance): Generator<Row> {
  for (let user = 0; user < options.users; user += 2) {
    const random = passkeys.random(user);
    const login = random.once(2);
    yield {
      id: passkeys.id(user),
      user_id: users.id(user),
      purpose: login ? "login" : "twoFactor",
      name: `YubiKey ${user} 🔑`,
      public_key: base64url(random, 77),
      credential_id: base64url(random, 32),
      counter: random.next(),
      type: "public-key",
      aa_guid: random.once(3) ? null : passkeys.id(user + 1_000_000),
      transports: random.once(3) ? null : '["usb","nfc"]',
      encrypted_user_key: login ? sealed(random, 64) : null,
      supports_prf: login ? 1 : 0,
      created_at: moment(epoch - random.below(9e9)),
      updated_at: moment(epoch - random.below(9e8)),
    };
  }
}

/** Settings of an instance. Of the last two, the lock never leaves and the backup settings leave in part. */
export function* configRows(users: Series, random: Random): Generator<Row> {
  const envelope = (bytes: number) => `"iv":"${base64(random, 12)}","ciphertext":"${base64(random, bytes)}"`;
  const wraps = `[{"userId":"${users.id(0)}","wrappedKey":"${base64(random, 256)}"}]`;
  yield { key: "registered", value: "true" };
  yield { key: "schema.version", value: "2026-07-13-refresh-session-reuse" };
  yield { key: "audit.logs.settings.v1", value: '{"retentionDays":90,"maxEntries":null}' };
  yield { key: "future.unknown.setting", value: 'välue with 漢字 and "quotes"' };
  yield { key: "", value: "left by an old version" };
  yield { key: "backup.runner.lock.v1", value: `{"token":"${random.hex(32)}","expiresAt":"${moment(epoch)}"}` };
  yield {
    key: "backup.settings.v1",
    value: `{"version":2,"runtime":{${envelope(300)}},"portable":{${envelope(300)},"wraps":${wraps}}}`,
  };
}

function base64(random: Random, bytes: number): string {
  return Buffer.from(random.bytes(bytes)).toString("base64");
}
