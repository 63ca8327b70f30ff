import { defineScope, type Scope } from "../../scope/define-scope.ts";
import { assetTables } from "./scope-assets.ts";
import { scanTables } from "./scope-scans.ts";
import { tenantTables } from "./scope-tenants.ts";

const authentication = "authentication material: people and machines sign in anew in the target";

/** What the EASM application's System Backup lets out of one installation and into another. */
export const easm: Scope = defineScope({
  name: "easm",
  version: 1,
  app: { name: "easm", version: "1.0.0" },
  description:
    "External attack surface management: organizations, their assets and findings, scan history, reports and stored files.",
  options: {
    include_files: {
      default: true,
      label: "Stored files",
      description: "The contents of screenshots, reports and raw scanner output. Their metadata is exported either way.",
    },
    include_users: {
      default: false,
      label: "User identities",
      description: "E-mail address, display name and flags of every user, for mapping. Never imported, never with a secret.",
    },
    include_scan_history: {
      default: true,
      label: "Scan history",
      description: "Scans and their jobs. Without them, references to scans arrive empty.",
    },
    include_settings: {
      default: true,
      label: "Application settings",
      description: "The non-secret settings, written to the manifest for the reader. An import never applies them.",
    },
  },
  ignoredOptions: {
    include_secrets: "secrets never leave an installation: the option is ignored and everything secret stays excluded",
  },
  users: { table: "users", id: "id", email: "email", admin: "is_admin AND is_active" },
  tenants: { table: "organizations", id: "id", name: "slug" },
  tables: { ...tenantTables, ...assetTables, ...scanTables },
  excludedTables: {
    refresh_tokens: `login sessions; ${authentication}`,
    api_keys: `API key hashes and cleartext prefixes; ${authentication}`,
    provider_credentials: "secrets of an organization's data providers and integrations",
    webhooks: "holds webhook secrets, and a copied webhook would call its receiver from two installations",
    notification_channels: "holds Telegram bot tokens and SMTP passwords",
    storage_credentials: "MinIO and S3 access keys; stored objects go to the target's own bucket",
    app_settings:
      "holds the JWT secret, the release-check token and other secrets; the settings listed by key go into the manifest",
    login_attempts: "runtime state: rate limits and lock-outs belong to this installation",
    job_locks: "runtime state: a lock only means that a task is running here now",
    schema_migrations: "the application's own record of which migrations this database has seen",
  },
  // An allowlist of keys, not `NOT is_secret`: a secret stored without its flag stays where it is.
  settings: {
    option: "include_settings",
    table: "app_settings",
    key: "key",
    value: "value",
    include: [
      "instance.name",
      "instance.language",
      "instance.timezone",
      "notifications.digest_hour",
      "reports.default_format",
      "retention.raw_output_days",
      "retention.traffic_bytes",
      "risk.weights",
      "scans.max_concurrency",
      "scans.rate_limit",
      "ui.theme",
    ],
  },
});
