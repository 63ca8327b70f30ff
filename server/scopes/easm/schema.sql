-- The EASM application's own schema: PostgreSQL 15 and later, no extensions.

CREATE TYPE member_role AS ENUM ('owner', 'analyst', 'viewer');
CREATE TYPE scope_kind AS ENUM ('domain', 'cidr', 'ip_address', 'asn', 'keyword');
CREATE TYPE asset_type AS ENUM
  ('domain', 'subdomain', 'ip_address', 'service', 'certificate', 'url', 'cloud_resource');
CREATE TYPE edge_relation AS ENUM ('contains', 'resolves_to', 'exposes', 'secured_by', 'serves');
CREATE TYPE severity AS ENUM ('info', 'low', 'medium', 'high', 'critical');
CREATE TYPE vulnerability_status AS ENUM
  ('open', 'triaged', 'accepted', 'false_positive', 'resolved');
CREATE TYPE run_state AS ENUM ('queued', 'running', 'completed', 'failed', 'cancelled');
CREATE TYPE change_kind AS ENUM ('appeared', 'changed', 'disappeared', 'reopened');

CREATE DOMAIN sha256_hex AS text CHECK (VALUE ~ '^[0-9a-f]{64}$');
CREATE DOMAIN jsonb_object AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL CHECK (email LIKE '_%@_%'),
  display_name text NOT NULL,
  password_hash text NOT NULL,
  totp_secret text,
  recovery_codes text[],
  is_admin boolean NOT NULL DEFAULT false,
  is_active boolean NOT NULL DEFAULT true,
  last_login_at timestamptz,
  last_login_ip inet,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE organizations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]*$'),
  name text NOT NULL CHECK (name <> ''),
  description text,
  industry text,
  settings jsonb_object NOT NULL DEFAULT '{}',
  monthly_budget numeric(14, 2),
  shodan_api_key text,
  censys_api_id text,
  censys_api_secret text,
  virustotal_api_key text,
  webhook_secret text,
  created_by uuid NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX organizations_slug_key ON organizations (lower(slug));
CREATE INDEX organizations_created_by_idx ON organizations (created_by);

CREATE TABLE organization_members (
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role member_role NOT NULL DEFAULT 'viewer',
  invited_by uuid REFERENCES users (id) ON DELETE SET NULL,
  joined_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX organization_members_user_idx ON organization_members (user_id);
CREATE INDEX organization_members_invited_by_idx ON organization_members (invited_by);

-- What an organization allows to be scanned.
CREATE TABLE scopes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  kind scope_kind NOT NULL,
  value text NOT NULL CHECK (value <> ''),
  network cidr,
  description text,
  is_excluded boolean NOT NULL DEFAULT false,
  is_default boolean NOT NULL DEFAULT false,
  -- Authenticated scans keep their logins here.
  scan_profile jsonb_object NOT NULL DEFAULT '{}',
  allowed_hours tstzrange,
  scan_interval interval,
  next_scan_at timestamptz,
  created_by uuid NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, kind, value),
  CHECK ((kind = 'cidr') = (network IS NOT NULL))
);
CREATE UNIQUE INDEX scopes_one_default ON scopes (organization_id) WHERE is_default;
CREATE INDEX scopes_created_by_idx ON scopes (created_by);
CREATE INDEX scopes_due_idx ON scopes (next_scan_at) WHERE next_scan_at IS NOT NULL;

CREATE TABLE scans (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  scope_id uuid REFERENCES scopes (id) ON DELETE SET NULL,
  previous_scan_id uuid REFERENCES scans (id) ON DELETE SET NULL,
  name text NOT NULL,
  state run_state NOT NULL DEFAULT 'queued',
  priority smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 9),
  config jsonb_object NOT NULL DEFAULT '{}',
  statistics jsonb_object NOT NULL DEFAULT '{}',
  packets_sent bigint NOT NULL DEFAULT 0,
  progress real NOT NULL DEFAULT 0,
  error_message text,
  created_by uuid NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  -- Lets a child name its organization in the foreign key, so that no row can point into another tenant.
  UNIQUE (organization_id, id),
  CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE INDEX scans_scope_idx ON scans (scope_id);
CREATE INDEX scans_previous_idx ON scans (previous_scan_id);
CREATE INDEX scans_created_by_idx ON scans (created_by);
CREATE INDEX scans_pending_idx ON scans (priority, created_at) WHERE state IN ('queued', 'running');

CREATE TABLE assets (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  parent_asset_id uuid REFERENCES assets (id) ON DELETE SET NULL,
  type asset_type NOT NULL,
  value text NOT NULL,
  normalized_value text NOT NULL,
  ip inet,
  ports integer[],
  technologies text[] NOT NULL DEFAULT '{}',
  tags text[] NOT NULL DEFAULT '{}',
  notes text,
  risk_score numeric(5, 2) CHECK (risk_score BETWEEN 0 AND 100),
  bytes_seen bigint,
  metadata jsonb_object NOT NULL DEFAULT '{}',
  first_seen_scan_id uuid REFERENCES scans (id) ON DELETE SET NULL,
  last_seen_scan_id uuid REFERENCES scans (id) ON DELETE SET NULL,
  created_by uuid REFERENCES users (id) ON DELETE SET NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, type, normalized_value)
);
CREATE INDEX assets_parent_idx ON assets (parent_asset_id) WHERE parent_asset_id IS NOT NULL;
CREATE INDEX assets_first_scan_idx ON assets (first_seen_scan_id);
CREATE INDEX assets_last_scan_idx ON assets (last_seen_scan_id);
CREATE INDEX assets_created_by_idx ON assets (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE asset_edges (
  source_asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
  target_asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
  relation edge_relation NOT NULL,
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  confidence double precision NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
  properties jsonb_object NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source_asset_id, target_asset_id, relation),
  CHECK (source_asset_id <> target_asset_id)
);
CREATE INDEX asset_edges_target_idx ON asset_edges (target_asset_id);
CREATE INDEX asset_edges_organization_idx ON asset_edges (organization_id);

CREATE TABLE vulnerabilities (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
  scan_id uuid REFERENCES scans (id) ON DELETE SET NULL,
  fingerprint text NOT NULL,
  title text NOT NULL,
  description text,
  remediation text,
  severity severity NOT NULL,
  -- Enums sort but do not add up; dashboards sum this.
  severity_weight smallint GENERATED ALWAYS AS (
    CASE severity WHEN 'critical' THEN 40 WHEN 'high' THEN 20 WHEN 'medium' THEN 8 WHEN 'low' THEN 2 ELSE 0 END
  ) STORED,
  cvss numeric(4, 2) CHECK (cvss BETWEEN 0 AND 10),
  epss numeric,
  cves text[],
  status vulnerability_status NOT NULL DEFAULT 'open',
  notes text,
  evidence jsonb_object,
  assigned_to uuid REFERENCES users (id) ON DELETE SET NULL,
  created_by uuid REFERENCES users (id) ON DELETE SET NULL,
  -- 'infinity': silenced for good.
  snoozed_until timestamptz,
  first_detected_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  UNIQUE (organization_id, fingerprint),
  CHECK ((status = 'resolved') = (resolved_at IS NOT NULL))
);
CREATE INDEX vulnerabilities_asset_idx ON vulnerabilities (asset_id);
CREATE INDEX vulnerabilities_scan_idx ON vulnerabilities (scan_id);
CREATE INDEX vulnerabilities_assigned_idx ON vulnerabilities (assigned_to) WHERE assigned_to IS NOT NULL;
CREATE INDEX vulnerabilities_created_by_idx ON vulnerabilities (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE scan_jobs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  scan_id uuid NOT NULL,
  asset_id uuid REFERENCES assets (id) ON DELETE SET NULL,
  module text NOT NULL,
  state run_state NOT NULL DEFAULT 'queued',
  attempt integer NOT NULL DEFAULT 1 CHECK (attempt > 0),
  counters jsonb_object NOT NULL DEFAULT '{}',
  error_message text,
  payload jsonb,
  worker_id text,
  lease_token uuid,
  lease_expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  UNIQUE (scan_id, module, attempt),
  FOREIGN KEY (organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE CASCADE,
  CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE INDEX scan_jobs_scan_idx ON scan_jobs (organization_id, scan_id);
CREATE INDEX scan_jobs_asset_idx ON scan_jobs (asset_id);
CREATE INDEX scan_jobs_pending_idx ON scan_jobs (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE reports (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  scan_id uuid,
  -- The rendered document, once there is one; the file names its report in turn.
  file_id uuid UNIQUE,
  title text NOT NULL,
  summary text,
  language text NOT NULL DEFAULT 'en',
  period daterange,
  parameters jsonb_object NOT NULL DEFAULT '{}',
  share_token text UNIQUE,
  created_by uuid NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL DEFAULT 'infinity',
  FOREIGN KEY (organization_id, scan_id) REFERENCES scans (organization_id, id) ON DELETE SET NULL (scan_id)
);
CREATE INDEX reports_scan_idx ON reports (organization_id, scan_id);
CREATE INDEX reports_created_by_idx ON reports (created_by);

CREATE TABLE files (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  scan_id uuid REFERENCES scans (id) ON DELETE SET NULL,
  asset_id uuid REFERENCES assets (id) ON DELETE SET NULL,
  report_id uuid REFERENCES reports (id) ON DELETE SET NULL,
  object_key text NOT NULL UNIQUE CHECK (octet_length(object_key) BETWEEN 1 AND 1024),
  original_name text NOT NULL CHECK (original_name <> ''),
  extension text GENERATED ALWAYS AS (lower(substring(original_name FROM '\.([A-Za-z0-9]{1,8})$'))) STORED,
  content_type text NOT NULL,
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  sha256 sha256_hex NOT NULL,
  perceptual_hash bytea,
  description text,
  metadata jsonb_object NOT NULL DEFAULT '{}',
  created_by uuid REFERENCES users (id) ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE reports ADD FOREIGN KEY (file_id) REFERENCES files (id) ON DELETE SET NULL;
CREATE INDEX files_organization_idx ON files (organization_id);
CREATE INDEX files_scan_idx ON files (scan_id);
CREATE INDEX files_asset_idx ON files (asset_id);
CREATE INDEX files_report_idx ON files (report_id);
CREATE INDEX files_created_by_idx ON files (created_by) WHERE created_by IS NOT NULL;

-- History: written once, never updated.
CREATE TABLE exposure_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  asset_id uuid REFERENCES assets (id) ON DELETE SET NULL,
  scan_id uuid REFERENCES scans (id) ON DELETE SET NULL,
  kind change_kind NOT NULL,
  summary text,
  before jsonb_object,
  after jsonb_object,
  actor_id uuid REFERENCES users (id) ON DELETE SET NULL,
  occurred_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX exposure_changes_organization_idx ON exposure_changes (organization_id, occurred_at);
CREATE INDEX exposure_changes_asset_idx ON exposure_changes (asset_id);
CREATE INDEX exposure_changes_scan_idx ON exposure_changes (scan_id);
CREATE INDEX exposure_changes_actor_idx ON exposure_changes (actor_id) WHERE actor_id IS NOT NULL;

-- Authentication material and the installation's own state: no backup holds any of what follows.

CREATE TABLE refresh_tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  token_hash bytea NOT NULL UNIQUE,
  user_agent text,
  ip inet,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_user_idx ON refresh_tokens (user_id);

CREATE TABLE api_keys (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
  name text NOT NULL,
  key_prefix text NOT NULL,
  key_hash text NOT NULL UNIQUE,
  permissions text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz
);
CREATE INDEX api_keys_user_idx ON api_keys (user_id);
CREATE INDEX api_keys_organization_idx ON api_keys (organization_id);

CREATE TABLE provider_credentials (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  provider text NOT NULL,
  account text,
  secret text NOT NULL,
  options jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, provider)
);

CREATE TABLE webhooks (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  url text NOT NULL,
  secret text NOT NULL,
  events text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_organization_idx ON webhooks (organization_id);

CREATE TABLE notification_channels (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name text NOT NULL,
  telegram_bot_token text,
  telegram_chat_id bigint,
  smtp_password text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notification_channels_organization_idx ON notification_channels (organization_id);

CREATE TABLE storage_credentials (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  endpoint text NOT NULL,
  bucket text NOT NULL,
  access_key text NOT NULL,
  secret_key text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app_settings (
  key text PRIMARY KEY,
  value jsonb NOT NULL,
  is_secret boolean NOT NULL DEFAULT false,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE login_attempts (
  id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  email text NOT NULL,
  ip inet,
  succeeded boolean NOT NULL,
  attempted_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE job_locks (
  name text PRIMARY KEY,
  holder text NOT NULL,
  acquired_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
