import type { TableScope } from "../../scope/define-scope.ts";
import { secretKeys } from "./portable-json.ts";

/** What was found: assets, how they hang together, what is wrong with them and what changed. */
export const assetTables: Record<string, TableScope> = {
  assets: {
    columns: [
      "id",
      "organization_id",
      "parent_asset_id",
      "type",
      "value",
      "normalized_value",
      "ip",
      "ports",
      "technologies",
      "tags",
      "notes",
      "risk_score",
      "bytes_seen",
      "metadata",
      "first_seen_scan_id",
      "last_seen_scan_id",
      "created_by",
      "first_seen_at",
      "last_seen_at",
    ],
    // Parsers of many tools write here, so the keys cannot be listed.
    withoutKeys: { metadata: secretKeys },
    metadata: ["tags", "notes", "metadata"],
    naturalKey: ["organization_id", "type", "normalized_value"],
    tenant: "organization_id",
  },
  asset_edges: {
    // `properties` is computed by the correlation from two assets and takes no input from outside.
    columns: ["source_asset_id", "target_asset_id", "relation", "organization_id", "confidence", "properties", "created_at"],
    metadata: ["properties"],
    tenant: "organization_id",
  },
  vulnerabilities: {
    columns: [
      "id",
      "organization_id",
      "asset_id",
      "scan_id",
      "fingerprint",
      "title",
      "description",
      "remediation",
      "severity",
      "cvss",
      "epss",
      "cves",
      "status",
      "notes",
      "evidence",
      "assigned_to",
      "created_by",
      "snoozed_until",
      "first_detected_at",
      "resolved_at",
    ],
    excluded: { severity_weight: "computed by PostgreSQL from the severity" },
    notSecret: { fingerprint: "identifies a finding across scans; made from the template's name and the asset" },
    // An authenticated probe records its own login: in the headers it sent and in the command that repeats it.
    rewrite: { evidence: "(evidence - 'curl_command') #- '{request,headers}' #- '{response,headers,set-cookie}'" },
    // What a server answered with is part of the finding.
    withoutKeys: { evidence: secretKeys.filter((key) => key !== "headers") },
    metadata: ["description", "remediation", "notes"],
    naturalKey: ["organization_id", "fingerprint"],
    tenant: "organization_id",
  },
  exposure_changes: {
    columns: [
      "id",
      "event_id",
      "organization_id",
      "asset_id",
      "scan_id",
      "kind",
      "summary",
      "before",
      "after",
      "actor_id",
      "occurred_at",
    ],
    // Snapshots of an asset's metadata, secrets included.
    withoutKeys: { before: secretKeys, after: secretKeys },
    appendOnly: true,
    naturalKey: ["event_id"],
    tenant: "organization_id",
  },
};
