import type { TableScope } from "../../scope/define-scope.ts";
import { onlyKeys, secretKeys } from "./portable-json.ts";

const providerSecret = "provider secret: the target's organization has its own account";

/** The tenants, their people and what they allow to be scanned. */
export const tenantTables: Record<string, TableScope> = {
  users: {
    columns: ["id", "email", "display_name", "is_admin", "is_active", "created_at", "updated_at"],
    excluded: {
      password_hash: "password hashes never leave an installation",
      totp_secret: "second factor: whoever holds it signs in as the user",
      recovery_codes: "second factor: whoever holds one signs in as the user",
      last_login_at: "runtime state of this installation's sign-in",
      last_login_ip: "personal data of this installation's sign-in",
    },
    option: { name: "include_users", off: "absent" },
    tenantRows: "id IN (SELECT user_id FROM organization_members WHERE organization_id = ANY ($tenants))",
    importNever: "user records are not imported; they are included only for mapping users in the target",
  },
  organizations: {
    columns: [
      "id",
      "slug",
      "name",
      "description",
      "industry",
      "settings",
      "monthly_budget",
      "created_by",
      "created_at",
      "updated_at",
    ],
    excluded: {
      shodan_api_key: providerSecret,
      censys_api_id: providerSecret,
      censys_api_secret: providerSecret,
      virustotal_api_key: providerSecret,
      webhook_secret: "webhook secret: receivers trust whoever signs with it",
    },
    rewrite: { settings: onlyKeys("settings", ["language", "timezone", "report_day", "severity_floor", "colors"]) },
    withoutKeys: { settings: secretKeys },
    metadata: ["description", "industry", "settings"],
    importer: ["created_by"],
    naturalKey: ["slug"],
  },
  organization_members: {
    columns: ["organization_id", "user_id", "role", "invited_by", "joined_at"],
    tenant: "organization_id",
    needsUserMapping: "safe restoration of memberships needs a mapping of users",
  },
  scopes: {
    columns: [
      "id",
      "organization_id",
      "kind",
      "value",
      "network",
      "description",
      "is_excluded",
      "is_default",
      "scan_profile",
      "allowed_hours",
      "scan_interval",
      "created_by",
      "created_at",
      "updated_at",
    ],
    // Without its next run, a scope is not due in the target until somebody there schedules it.
    excluded: { next_scan_at: "runtime state: a copied due date would start scans in the target by itself" },
    withoutKeys: { scan_profile: secretKeys },
    metadata: ["description", "scan_profile"],
    importer: ["created_by"],
    naturalKey: ["organization_id", "kind", "value"],
    tenant: "organization_id",
  },
};
