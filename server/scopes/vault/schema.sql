-- A vault (Bitwarden-compatible server) as NodeWarden keeps it in D1, on PostgreSQL 15 and later, no extensions. Names, keys and
-- cascades are the product's. Moments are the ISO 8601 texts that it writes, flags are 0 and 1, and JSON is kept as the text that
-- a client sent: any other type would hand something else back than it was given.

CREATE TABLE config (
  key text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE users (
  id text PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text,
  master_password_hint text,
  master_password_hash text NOT NULL,
  key text NOT NULL,
  private_key text,
  public_key text,
  kdf_type integer NOT NULL,
  kdf_iterations integer NOT NULL,
  kdf_memory integer,
  kdf_parallelism integer,
  security_stamp text NOT NULL,
  role text NOT NULL DEFAULT 'user',
  status text NOT NULL DEFAULT 'active',
  verify_devices integer NOT NULL DEFAULT 0,
  totp_secret text,
  totp_recovery_code text,
  yubikey_key1 text,
  yubikey_key2 text,
  yubikey_key3 text,
  yubikey_key4 text,
  yubikey_key5 text,
  yubikey_nfc integer NOT NULL DEFAULT 0,
  api_key text,
  created_at text NOT NULL,
  updated_at text NOT NULL
);

CREATE TABLE domain_settings (
  user_id text PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  equivalent_domains text NOT NULL DEFAULT '[]',
  custom_equivalent_domains text NOT NULL DEFAULT '[]',
  excluded_global_equivalent_domains text NOT NULL DEFAULT '[]',
  updated_at text NOT NULL
);

CREATE TABLE user_revisions (
  user_id text PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  revision_date text NOT NULL
);

CREATE TABLE folders (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name text NOT NULL,
  created_at text NOT NULL,
  updated_at text NOT NULL
);
CREATE INDEX folders_user_updated_idx ON folders (user_id, updated_at);

CREATE TABLE ciphers (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  type integer NOT NULL,
  folder_id text,
  name text,
  notes text,
  favorite integer NOT NULL DEFAULT 0,
  data text NOT NULL,
  reprompt integer,
  key text,
  created_at text NOT NULL,
  updated_at text NOT NULL,
  archived_at text,
  deleted_at text
);
CREATE INDEX ciphers_user_updated_idx ON ciphers (user_id, updated_at);
CREATE INDEX ciphers_user_archived_idx ON ciphers (user_id, archived_at);
CREATE INDEX ciphers_user_deleted_idx ON ciphers (user_id, deleted_at, updated_at);

-- The object is stored as <cipher_id>/<id>.
CREATE TABLE attachments (
  id text PRIMARY KEY,
  cipher_id text NOT NULL REFERENCES ciphers (id) ON DELETE CASCADE,
  file_name text NOT NULL,
  size bigint NOT NULL,
  size_name text NOT NULL,
  key text
);
CREATE INDEX attachments_cipher_idx ON attachments (cipher_id);

CREATE TABLE webauthn_credentials (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  purpose text NOT NULL DEFAULT 'login',
  name text NOT NULL,
  public_key text NOT NULL,
  credential_id text NOT NULL UNIQUE,
  counter bigint NOT NULL DEFAULT 0,
  type text,
  aa_guid text,
  transports text,
  encrypted_user_key text,
  encrypted_public_key text,
  encrypted_private_key text,
  supports_prf integer NOT NULL DEFAULT 0,
  created_at text NOT NULL,
  updated_at text NOT NULL
);
CREATE INDEX webauthn_credentials_user_idx ON webauthn_credentials (user_id, updated_at);

-- The file of a send is stored as sends/<id>/<file id>.
CREATE TABLE sends (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  type integer NOT NULL,
  name text NOT NULL,
  notes text,
  data text NOT NULL,
  key text NOT NULL,
  password_hash text,
  password_salt text,
  password_iterations integer,
  auth_type integer NOT NULL DEFAULT 2,
  emails text,
  max_access_count integer,
  access_count integer NOT NULL DEFAULT 0,
  disabled integer NOT NULL DEFAULT 0,
  hide_email integer,
  created_at text NOT NULL,
  updated_at text NOT NULL,
  expiration_date text,
  deletion_date text NOT NULL
);
CREATE INDEX sends_user_updated_idx ON sends (user_id, updated_at, id);
CREATE INDEX sends_user_deletion_idx ON sends (user_id, deletion_date);

CREATE TABLE refresh_tokens (
  token text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_at bigint NOT NULL,
  device_identifier text,
  device_session_stamp text
);
CREATE INDEX refresh_tokens_user_idx ON refresh_tokens (user_id);

CREATE TABLE devices (
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  device_identifier text NOT NULL,
  name text NOT NULL,
  type integer NOT NULL,
  session_stamp text,
  encrypted_user_key text,
  encrypted_public_key text,
  encrypted_private_key text,
  banned integer NOT NULL DEFAULT 0,
  banned_at text,
  device_note text,
  last_seen_at text,
  created_at text NOT NULL,
  updated_at text NOT NULL,
  PRIMARY KEY (user_id, device_identifier)
);

CREATE TABLE trusted_two_factor_device_tokens (
  token text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  device_identifier text NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX trusted_two_factor_user_idx ON trusted_two_factor_device_tokens (user_id, device_identifier);

CREATE TABLE invites (
  code text PRIMARY KEY,
  created_by text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  used_by text REFERENCES users (id) ON DELETE SET NULL,
  expires_at text NOT NULL,
  status text NOT NULL,
  created_at text NOT NULL,
  updated_at text NOT NULL
);
CREATE INDEX invites_created_by_idx ON invites (created_by, created_at);
CREATE INDEX invites_used_by_idx ON invites (used_by);

CREATE TABLE audit_logs (
  id text PRIMARY KEY,
  actor_user_id text REFERENCES users (id) ON DELETE SET NULL,
  action text NOT NULL,
  category text NOT NULL DEFAULT 'system',
  level text NOT NULL DEFAULT 'info',
  target_type text,
  target_id text,
  metadata text,
  created_at text NOT NULL
);
CREATE INDEX audit_logs_actor_created_idx ON audit_logs (actor_user_id, created_at);

CREATE TABLE auth_requests (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  type integer NOT NULL,
  request_device_identifier text NOT NULL,
  access_code text NOT NULL,
  public_key text NOT NULL,
  key text,
  approved integer,
  creation_date text NOT NULL,
  response_date text
);
CREATE INDEX auth_requests_user_idx ON auth_requests (user_id, creation_date);

CREATE TABLE totp_login_replays (
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  time_counter bigint NOT NULL,
  consumed_at bigint NOT NULL,
  PRIMARY KEY (user_id, time_counter)
);

CREATE TABLE webauthn_challenges (
  challenge_hash text PRIMARY KEY,
  scope text NOT NULL,
  user_id text,
  expires_at bigint NOT NULL,
  used_at bigint,
  created_at bigint NOT NULL
);

CREATE TABLE login_attempts_ip (
  ip text PRIMARY KEY,
  attempts integer NOT NULL,
  locked_until bigint,
  updated_at bigint NOT NULL
);

CREATE TABLE used_attachment_download_tokens (
  jti text PRIMARY KEY,
  expires_at bigint NOT NULL
);
