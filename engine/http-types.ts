import type { ConflictMode, ImportReport, Plan } from "./plan.ts";
import type { Verification } from "./verify-bundle.ts";

/** What the server answers and the page reads, declared once: neither imports the other's code. */

export interface TenantList {
  /** Of those that match; the list may be shorter. */
  total: number;
  tenants: {
    /** As PostgreSQL writes the key. */
    id: string;
    /** Its key, where the scope names no column. */
    name: string;
  }[];
}

export interface ScopeOption {
  name: string;
  default: boolean;
  label: string;
  description: string;
}

export interface ScopeTable {
  name: string;
  columns: readonly string[];
  /** Columns that stay, with the reason. */
  excluded_columns: Record<string, string>;
  /** Columns that leave as something else, such as JSON without the keys that may hold secrets. */
  rewritten_columns: readonly string[];
  filtered: boolean;
  option: { name: string; off: "absent" | "empty" } | null;
  metadata_columns: readonly string[];
  importer_columns: readonly string[];
  append_only: boolean;
  import_never: string | null;
  needs_user_mapping: string | null;
  stored_objects: { option: string } | null;
}

/** What is in, what is out and why: the declaration without its SQL. */
export interface ScopeDescription {
  name: string;
  version: number;
  app: { name: string; version: string };
  description: string;
  options: ScopeOption[];
  /** What an export may take some of; `null` where the application has no tenants. */
  tenants: { table: string; id: string; name?: string | undefined } | null;
  ignored_options: Record<string, string>;
  tables: ScopeTable[];
  excluded_tables: Record<string, string>;
  settings: { option: string; included: readonly string[] } | null;
  modes: readonly ConflictMode[];
}

/** `GET /scope` */
export interface InstallationScope extends ScopeDescription {
  title: string;
  max_upload_bytes: number;
}

export interface TableEstimate {
  table: string;
  rows: number;
  /** Of the rows as JSON, uncompressed. */
  bytes: number;
  /** The rows were counted; else they are PostgreSQL's estimate. */
  exact: boolean;
}

export interface ExportEstimate {
  /** Tables that the bundle would have. */
  tables: TableEstimate[];
  /** Stored objects whose contents would travel, as their rows say. */
  files: { count: number; bytes: number };
  rows: number;
  /** Uncompressed. */
  bytes: number;
  /** What the ZIP may come to. */
  bundle_bytes: number;
}

/** What a bundle says of itself; shown, never trusted. */
export interface BundleSummary {
  container: "zip" | "ndjson";
  /** Bytes. */
  size: number;
  app: { name: string; version: string };
  scope: { name: string; version: number };
  created_at: string;
  options: Record<string, boolean>;
  /** Objects by whether the bundle carries them. */
  files: { bundle: number; external: number; missing: number };
}

/** `POST /import/preview` */
export interface PreviewAnswer {
  bundle: BundleSummary;
  /** E-mail address of the admin on whose behalf the rows would enter. */
  importer: string;
  verification: Verification;
  plan: Plan;
}

/** `POST /import` */
export type ImportAnswer = ImportReport;
