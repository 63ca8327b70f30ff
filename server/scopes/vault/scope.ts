import { defineScope, type Scope } from "../../scope/define-scope.ts";
import { vaultTables } from "./scope-tables.ts";

const session = "sign-ins do not move between installations";
const runtime = "runtime state of this installation";

/** What a vault's Backup Scope lets out of one installation and into another. */
export const vault: Scope = defineScope({
  name: "vault",
  version: 1,
  app: { name: "vault", version: "1.0.0" },
  description: "A Bitwarden-compatible vault: accounts, vault items, folders, attachments, domain rules and backup settings.",
  options: {
    include_attachments: {
      default: true,
      label: "Attachments",
      description: "Attachments and their contents. Without them the bundle has none, so that no row points at a missing file.",
    },
  },
  ignoredOptions: {
    include_secrets: "what is listed here stays excluded: API keys, sessions and tokens never leave an installation",
  },
  users: { table: "users", id: "id", email: "email", admin: "role = 'admin' AND status = 'active'" },
  modes: ["replace", "skip_existing", "merge"],
  replace: { occupiedBy: ["ciphers", "folders", "attachments", "sends"] },
  tables: vaultTables,
  excludedTables: {
    refresh_tokens: `login sessions; ${session}`,
    trusted_two_factor_device_tokens: "remembered devices: each token is this installation's trust in one device",
    devices: "sessions and trust of devices; every device signs in anew in the target",
    invites: "an invite is an act of this installation's administrators, not vault data",
    audit_logs: "tells what happened on this installation; not part of the backup format",
    login_attempts_ip: `rate limits and lock-outs; ${runtime}`,
    used_attachment_download_tokens: `download tokens that were spent; ${runtime}`,
    sends: "sends, and their files under sends/, are shared from this installation and expire here",
    auth_requests: `sign-ins that wait for a device's approval; ${session}`,
    totp_login_replays: `one-time codes that were spent; ${runtime}`,
    webauthn_challenges: `open challenges of passkeys; ${runtime}`,
  },
});
