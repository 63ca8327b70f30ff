import type { TableScope } from "../../scope/define-scope.ts";
import { onlyKeys, secretKeys, withoutUrlLogins } from "./portable-json.ts";

/**
 * Nothing waits or runs in a bundle: the target's scheduler picks up what is queued and its watchdog what is running, and
 * would scan somebody's network because a backup was imported. Such rows leave, and enter, as cancelled, with the finishing
 * time that the table's check then asks for.
 */
const settledState = "CASE WHEN state IN ('queued', 'running') THEN 'cancelled' ELSE state END";
const settledAt = (lastKnown: string) => `CASE WHEN state IN ('queued', 'running') THEN ${lastKnown} ELSE finished_at END`;

/** How it was found: scans and their jobs, and the documents and files they left. */
export const scanTables: Record<string, TableScope> = {
  scans: {
    columns: [
      "id",
      "organization_id",
      "scope_id",
      "previous_scan_id",
      "name",
      "state",
      "priority",
      "config",
      "statistics",
      "packets_sent",
      "progress",
      "error_message",
      "created_by",
      "created_at",
      "started_at",
      "finished_at",
    ],
    option: { name: "include_scan_history", off: "absent" },
    rewrite: {
      state: settledState,
      finished_at: settledAt("coalesce(started_at, created_at)"),
      // Provider credentials are handed to a scan in its configuration.
      config: onlyKeys("config", ["profile", "modules", "ports", "rate_limit", "depth", "resolvers"]),
      error_message: withoutUrlLogins("error_message"),
    },
    withoutKeys: { config: secretKeys },
    rewriteOnImport: ["state", "finished_at"],
    metadata: ["name", "statistics"],
    importer: ["created_by"],
    tenant: "organization_id",
  },
  scan_jobs: {
    columns: [
      "id",
      "organization_id",
      "scan_id",
      "asset_id",
      "module",
      "state",
      "attempt",
      "counters",
      "error_message",
      "created_at",
      "finished_at",
    ],
    excluded: {
      payload: "what the worker was handed, credentials included; of no use once the job has ended",
      worker_id: "runtime state: names a machine of this installation",
      lease_token: "runtime state: whoever holds it owns the job",
      lease_expires_at: "runtime state of the job's lease",
    },
    option: { name: "include_scan_history", off: "absent" },
    rewrite: {
      state: settledState,
      finished_at: settledAt("created_at"),
      error_message: withoutUrlLogins("error_message"),
    },
    rewriteOnImport: ["state", "finished_at"],
    metadata: ["counters"],
    naturalKey: ["scan_id", "module", "attempt"],
    tenant: "organization_id",
  },
  reports: {
    columns: [
      "id",
      "organization_id",
      "scan_id",
      "file_id",
      "title",
      "summary",
      "language",
      "period",
      "parameters",
      "created_by",
      "created_at",
      "expires_at",
    ],
    excluded: { share_token: "opens the report to whoever holds the link" },
    // Delivery parameters name webhooks with a token in the URL.
    rewrite: { parameters: onlyKeys("parameters", ["format", "sections", "minimum_severity", "top", "logo"]) },
    withoutKeys: { parameters: secretKeys },
    metadata: ["title", "summary", "parameters"],
    importer: ["created_by"],
    tenant: "organization_id",
  },
  files: {
    columns: [
      "id",
      "organization_id",
      "scan_id",
      "asset_id",
      "report_id",
      "object_key",
      "original_name",
      "content_type",
      "size_bytes",
      "sha256",
      "perceptual_hash",
      "description",
      "metadata",
      "created_by",
      "created_at",
    ],
    excluded: { extension: "computed by PostgreSQL from the name" },
    notSecret: {
      object_key: "names an object in the application's own bucket, which nobody opens without the bucket's keys",
      sha256: "digest of the file's content, which travels in the same bundle",
      perceptual_hash: "similarity digest of a screenshot's picture",
    },
    // Uploads leave presigned addresses and their tokens beside the file's facts.
    rewrite: { metadata: "metadata - ARRAY['presigned_url', 'upload_id']::text[]" },
    withoutKeys: { metadata: secretKeys },
    metadata: ["description", "metadata"],
    naturalKey: ["object_key"],
    tenant: "organization_id",
    blob: {
      option: "include_files",
      id: "id",
      key: "object_key",
      name: "original_name",
      size: "size_bytes",
      sha256: "sha256",
      contentType: "content_type",
    },
  },
};
