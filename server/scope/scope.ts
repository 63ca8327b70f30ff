import type { ConflictMode } from "../../engine/plan.ts";
import type { Upgrade } from "./upgrade/steps.ts";

/**
 * The declaration of what may leave an installation and enter another. Everything else is derived from it: the SELECT
 * lists, the manifest, the import's column lists, the scope page and the check that nothing was forgotten. Keys, foreign
 * keys, types, identity and generated columns are read from PostgreSQL's catalog, never declared again.
 */
export interface Scope {
  name: string;
  /** Raised when a table or column changes meaning. */
  version: number;
  app: { name: string; version: string };
  description: string;
  options: Record<string, ScopeOption>;
  /** Options that a request may name and that change nothing but a warning, with the reason. */
  ignoredOptions: Record<string, string>;
  /** Where the installation keeps its people: who may be the importer. */
  users: ScopeUsers;
  /** What a tenant is, in an application that has several: an export may then take some of them. */
  tenants?: ScopeTenants;
  /** What an import may do with rows that are there; all but `replace` where absent. */
  modes?: readonly ConflictMode[];
  /** What mode `replace` needs to know. */
  replace?: ScopeReplace;
  /** By table name, `schema.table` outside of `public`. */
  tables: Record<string, TableScope>;
  /** Tables that never leave, with the reason. */
  excludedTables: Record<string, string>;
  settings?: ScopeSettings;
  /** What turns rows of older versions of this scope into today's, in order; a version that is left out changed nothing. */
  upgrades?: readonly Upgrade[];
}

export interface ScopeOption {
  default: boolean;
  label: string;
  description: string;
}

export interface ScopeUsers {
  table: string;
  id: string;
  email: string;
  /** SQL condition over the user's row: who may act as an importer. */
  admin: string;
}

export interface ScopeReplace {
  /** A target with rows in one of these tables, of the scope or excluded from it, is in use and not fresh. */
  occupiedBy: readonly string[];
}

export interface ScopeTenants {
  /** A row of it is a tenant. */
  table: string;
  id: string;
  /** A unique column by which people name a tenant. */
  name?: string;
}

export interface TableScope {
  /** Columns that leave and enter. */
  columns: readonly string[];
  /** Columns that never leave, with the reason. */
  excluded?: Record<string, string>;
  /** Included columns whose name or type looks like a secret, with the reason why they hold none. */
  notSecret?: Record<string, string>;
  /** SQL condition over the table's row: which rows leave. */
  where?: string;
  /** Rows that the condition would not let out do not enter either, whoever made the bundle. */
  whereOnImport?: boolean;
  /** SQL expressions that replace a column's value on the way out. */
  rewrite?: Record<string, string>;
  /**
   * Free-form `jsonb` columns, each with keys whose members are removed at any depth, on the way out and on the way in: where
   * people and programs have been seen to leave credentials. Letter case, hyphens and underscores do not count.
   */
  withoutKeys?: Record<string, readonly string[]>;
  /** Rewritten columns that are rewritten on the way in as well, whoever made the bundle. */
  rewriteOnImport?: readonly string[];
  /** The option that turns the table on; `off` says whether the bundle then lacks the table or holds it empty. */
  option?: { name: string; off: "absent" | "empty" };
  /** Columns that `overwrite_metadata_only` may refresh. */
  metadata?: readonly string[];
  /** Columns that name the user who made the row: the importer on insert, never touched afterwards. */
  importer?: readonly string[];
  /** The table is exported but never imported, with the reason. */
  importNever?: string;
  /** The rows name people who must be in the target: they enter only by a mapping of users; the reason why not otherwise. */
  needsUserMapping?: string;
  /** Existing rows are history and are never updated. */
  appendOnly?: boolean;
  /** Columns that identify the same thing across installations. */
  naturalKey?: readonly string[];
  /** The column that names the tenant; an import never moves a row from one tenant to another. */
  tenant?: string;
  /** SQL condition over the table's row that says which rows hang on the tenants whose ids are in the array `$tenants`. */
  tenantRows?: string;
  /** Whether rows that hang on no tenant go along with an export of some; `out` where absent. */
  shared?: "in" | "out";
  /** The stored object that a row owns. */
  blob?: BlobScope;
}

export interface BlobScope {
  /** The option that decides whether objects travel with their rows. */
  option: string;
  /** Columns of the table. */
  id: string;
  /** The object's key: a column, or SQL over the row where the application makes it of others and keeps it nowhere. */
  key: string | { sql: string };
  name: string;
  size: string;
  sha256?: string;
  contentType?: string;
}

/** Settings that are written to the manifest for the reader; an import never applies them. */
export interface ScopeSettings {
  option: string;
  table: string;
  key: string;
  value: string;
  /** Setting keys that leave; every other key stays. */
  include: readonly string[];
  /** Whether they go along with an export of some tenants; `out` where absent. */
  shared?: "in" | "out";
}
