import { arrayLiteral, type Row } from "../demo/copy-rows.ts";
import { daysAgo, epoch, Series, timestamp } from "../demo/random.ts";
import type { DemoInstance } from "./demo-instance.ts";
import { madeUpSecret } from "./demo-words.ts";

const settings: readonly [key: string, json: string][] = [
  ["instance.name", '"EASM"'],
  ["instance.language", '"en"'],
  ["instance.timezone", '"UTC"'],
  ["instance.public_url", '"https://easm.example"'],
  ["notifications.digest_hour", "7"],
  ["reports.default_format", '"pdf"'],
  ["retention.raw_output_days", "365"],
  ["retention.traffic_bytes", "9007199254740993"],
  ["risk.weights", '{"critical": 10.00, "high": 5.50, "note": "größer = schlimmer"}'],
  ["scans.max_concurrency", "8"],
  ["scans.rate_limit", "1500.50"],
  ["ui.theme", '{"name": "dark", "accent": "#4f7cff"}'],
];

const secretSettings = [
  "auth.jwt_secret",
  "auth.session_key",
  "notifications.telegram_bot_token",
  "providers.github_release_check_token",
  "smtp.password",
  "storage.secret_key",
] as const;

/** What an installation is set up with. The seed makes its secrets different from another's. */
export function* settingRows(seed: number): Generator<Row> {
  const series = new Series(seed, "setting");
  const updated_at = timestamp(epoch - 400 * 86_400_000);
  for (const [key, value] of settings) yield { key, value, is_secret: false, updated_at };
  for (const [index, key] of secretSettings.entries()) {
    yield { key, value: JSON.stringify(madeUpSecret(series, "setting-", index)), is_secret: true, updated_at };
  }
}

/** One row at least in every table that never leaves, so that a leak would show. */
export function excludedTables(instance: DemoInstance): Record<string, Iterable<Row>> {
  return {
    schema_migrations: [{ version: 1, name: "initial", applied_at: timestamp(epoch - 900 * 86_400_000) }],
    refresh_tokens: perUser(instance, "refresh token", refreshToken),
    api_keys: perUser(instance, "API key", apiKey),
    login_attempts: perUser(instance, "login attempt", loginAttempt),
    provider_credentials: perOrganization(instance, "provider credential", providerCredential),
    webhooks: perOrganization(instance, "webhook", webhook),
    notification_channels: perOrganization(instance, "notification channel", notificationChannel),
    storage_credentials: [storageCredential(instance)],
    job_locks: [{ name: "scheduler", holder: "worker-1:4711", acquired_at: timestamp(epoch) }],
  };
}

type RowOf = (instance: DemoInstance, index: number, series: Series) => Row;

function* perUser(instance: DemoInstance, kind: string, row: RowOf): Generator<Row> {
  const series = new Series(instance.options.seed, kind);
  for (let user = 0; user < instance.counts["users"]!; user++) yield row(instance, user, series);
}

function* perOrganization(instance: DemoInstance, kind: string, row: RowOf): Generator<Row> {
  const series = new Series(instance.options.seed, kind);
  for (let organization = 0; organization < instance.options.orgs; organization++) yield row(instance, organization, series);
}

const refreshToken: RowOf = ({ users }, user, series) => ({
  id: series.id(user),
  user_id: users.id(user),
  token_hash: `\\x${series.random(user).hex(64)}`,
  user_agent: "Mozilla/5.0 (X11; Linux x86_64)",
  ip: `203.0.113.${user % 256}`,
  created_at: timestamp(epoch - 1000),
  expires_at: timestamp(epoch + 30 * 86_400_000),
});

const apiKey: RowOf = ({ users }, user, series) => ({
  id: series.id(user),
  user_id: users.id(user),
  organization_id: null,
  name: "CI pipeline",
  key_prefix: `easm_${series.random(user).hex(8)}`,
  key_hash: series.random(user).hex(64),
  permissions: arrayLiteral(["assets:read", "scans:write"]),
  created_at: timestamp(daysAgo(series.random(user), 300)),
  last_used_at: null,
});

const loginAttempt: RowOf = ({ users }, user, series) => ({
  email: `user-${users.id(user).slice(0, 8)}@easm.example`,
  ip: `203.0.113.${user % 256}`,
  succeeded: user % 3 !== 0,
  attempted_at: timestamp(daysAgo(series.random(user), 2)),
});

const providerCredential: RowOf = ({ organizations }, organization, series) => ({
  id: series.id(organization),
  organization_id: organizations.id(organization),
  provider: "securitytrails",
  account: `acct-${series.random(organization).hex(8)}`,
  secret: madeUpSecret(series, "st-", organization),
  options: JSON.stringify({ client_secret: madeUpSecret(series, "opt-", organization) }),
  created_at: timestamp(epoch - 86_400_000),
});

const webhook: RowOf = ({ organizations }, organization, series) => ({
  id: series.id(organization),
  organization_id: organizations.id(organization),
  url: `https://hooks.example/${series.random(organization).hex(20)}`,
  secret: madeUpSecret(series, "whsec_", organization),
  events: arrayLiteral(["vulnerability.created", null]),
  created_at: timestamp(epoch - 86_400_000),
});

const notificationChannel: RowOf = ({ organizations }, organization, series) => ({
  id: series.id(organization),
  organization_id: organizations.id(organization),
  name: "On-call 📟",
  telegram_bot_token: `${series.random(organization).next()}:${series.random(organization).hex(35)}`,
  telegram_chat_id: `-100${series.random(organization).next()}`,
  smtp_password: madeUpSecret(series, "smtp-", organization),
  created_at: timestamp(epoch - 86_400_000),
});

function storageCredential(instance: DemoInstance): Row {
  const series = new Series(instance.options.seed, "storage");
  return {
    id: series.id(0),
    endpoint: "http://minio.example:9000",
    bucket: "easm",
    access_key: madeUpSecret(series, "AKIA", 0),
    secret_key: madeUpSecret(series, "sk-", 1),
    created_at: timestamp(epoch - 86_400_000),
  };
}
