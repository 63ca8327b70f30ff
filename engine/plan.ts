/** What an import would do, and what one did: the same words for both, so that a report can be held against its plan. */

export const conflictModes = ["skip_existing", "merge", "overwrite_metadata_only", "replace"] as const;
export type ConflictMode = (typeof conflictModes)[number];

/** Every row of a bundle has exactly one; `delete` is that of a row of the target which the bundle does not hold. */
export const outcomes = [
  "insert",
  "update",
  "metadata_update",
  "identical",
  "keep",
  "append_only",
  "conflict_unique",
  "other_tenant",
  "missing_parent",
  "blob_missing",
  "not_imported",
  "delete",
] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes whose rows do not arrive, although the target does not have them as they are. */
export const skippedOutcomes: readonly Outcome[] = [
  "conflict_unique",
  "other_tenant",
  "missing_parent",
  "blob_missing",
  "not_imported",
];

/** What can be said of a row beside its outcome. */
export const rowNotes = ["reassigned", "reference_cleared", "matched", "renumbered"] as const;
export type RowNote = (typeof rowNotes)[number];

/** What the rows of a plan can be asked for by. */
export type PlanCode = Outcome | RowNote;
export const planCodes: readonly PlanCode[] = [...outcomes, ...rowNotes];

export interface PlanRow {
  outcome: Outcome;
  /** 1-based row in the table's entry; rows that would be deleted are numbered behind the last of it. */
  row: number;
  /** Values of the primary key in the bundle; empty for a table that never enters. Of a row that would be deleted, its own. */
  key: string[];
  /** Key of the row in the target that this one is by the scope's natural key, where its own is another. */
  target_key?: string[];
  /** Columns that an update changes. */
  columns?: string[];
  /** The unique index in conflict, or the foreign key without a parent. */
  constraint?: string;
  /** Primary key of the row that holds the unique value. */
  holder?: string;
}

/** A value that an update would replace, or that a mode leaves although the bundle says something else. */
export interface ValueChange {
  column: string;
  /** As PostgreSQL writes it, and as an export of the target would give it; `null` is SQL's NULL. */
  old: string | null;
  new: string | null;
  /** At least one of the two is longer and was cut after 65,536 characters. */
  cut?: boolean;
}

/** One row of a plan with everything that is known of it. */
export interface PlannedRow extends PlanRow {
  /**
   * Of an existing row. For `update` and `metadata_update` what changes; for `keep`, `append_only` and `other_tenant` what
   * differs and stays. A row without an entry here is the bundle's, to be looked up there by `row`.
   */
  changes?: ValueChange[];
  /** Columns that arrive with the importer in place of the user who made the row. */
  reassigned?: string[];
  /** References that arrive empty because what they name is neither in the bundle nor in the target. */
  reference_cleared?: string[];
  /** The row arrives under a new number, because its own is another row's in the target. */
  renumbered?: boolean;
}

/** Some rows of one table of a plan, in the bundle's order: the answer of `GET /import/plan/<digest>/<table>`. */
export interface PlanPage {
  table: string;
  /** Only rows with this outcome or note; `null` for all rows. */
  outcome: PlanCode | null;
  /** How many of those rows stand before the first one here. */
  from: number;
  /** How many there are, all pages together. */
  total: number;
  rows: PlannedRow[];
}

/** A plan that a server keeps for a while: the answer of `GET /import/plan/<digest>`. */
export interface KeptPlan {
  plan: Plan;
  /** E-mail address of the admin for whom it was made; nobody else gets to see it. */
  importer: string;
  /** ISO 8601. From `expires_at` on, the bundle has to be previewed again. */
  created_at: string;
  expires_at: string;
}

export interface TablePlan {
  table: string;
  /** Rows in the bundle. */
  rows: number;
  outcomes: Partial<Record<Outcome, number>>;
  /** Rows that arrive with the importer in place of the user who made them, because that one is not mapped. */
  reassigned: number;
  /** Rows that are in the target under another key, by the scope's natural key. */
  matched: number;
  /** New rows that get another number, because theirs is another row's in the target. */
  renumbered: number;
  /** Rows that arrive with a reference emptied because what it names is neither in the bundle nor in the target, by column. */
  reference_cleared: Record<string, number>;
  /** Columns of the bundle that this scope does not let in. */
  dropped_columns: string[];
  /** Why the whole table stays out. */
  reason?: string;
  /** The first rows of every outcome but `insert` and `identical`. */
  samples: PlanRow[];
}

export interface BlobPlan {
  /** Objects that the import writes. */
  write: number;
  /** Bytes of those. */
  bytes: number;
  /** Objects that are in the target's store already. */
  present: number;
  /** Objects that get another key because theirs is taken in the target. */
  rekeyed: number;
  /** Objects that are neither in the bundle nor in the target's store: their rows are skipped. */
  missing: number;
}

/** What an import is told beside its mode; the plan's digest covers it. */
export interface ImportChoices {
  /** Rows that are in the target under another key are found by the scope's natural keys. */
  match_natural_keys: boolean;
  /** Keys of users in the target by keys of users in the bundle: who made a row and who is a member stays so. */
  user_map: Record<string, string>;
  /** Only these tables of the bundle; `null` for all. */
  tables: string[] | null;
  /** Only the rows of these tenants (organizations), by their keys in the bundle; `null` for all. */
  tenants: string[] | null;
}

/** What mode `replace` does only where it is told to; no part of a plan. */
export interface ReplaceConsent {
  /** The target may hold such data already; what the bundle does not hold is deleted. */
  replace_existing: boolean;
  /** What the plan counts as lost may go. */
  accept_loss: boolean;
  /** The target may end up without an active admin. */
  allow_no_admin: boolean;
}

/** What goes with the rows that `replace` deletes, although no bundle holds it. */
export interface Loss {
  table: string;
  /** Rows of a table that the bundle does not replace, references that are emptied, or values of a column that never leaves. */
  what: "rows" | "references" | "values";
  column?: string;
  rows: number;
}

/** What a plan of mode `replace` says beside its outcomes. */
export interface ReplacePlan {
  /** Rows of the target by table that make it one in use; none where it is fresh. */
  occupied: Record<string, number>;
  lost: Loss[];
  /** Active admins that the target would have. */
  admins: number;
  /** Tables of the scope that the bundle does not hold and that stay as they are, with the reason. */
  kept: Record<string, string>;
  /** Objects under a key of their own that get other content, once the database has committed. */
  objects_replaced: number;
  /** Objects that belong to rows which go, removed once the database has committed. */
  objects_removed: number;
}

export interface TargetUser {
  id: string;
  email: string;
}

/** A user whom rows of the bundle name. */
export interface PlannedUser {
  /** Key in the bundle. */
  id: string;
  /** `null` where the bundle does not carry its users. */
  email: string | null;
  /** How often rows of the bundle name the user. */
  references: number;
  /** Who it becomes in the target, by the mapping. */
  mapped: TargetUser | null;
  /** Who in the target has the same e-mail address: a proposal for the mapping. */
  proposed: TargetUser | null;
}

export interface Plan {
  /** SHA-256 of the bundle's checksums.json. */
  bundle_sha256: string;
  mode: ConflictMode;
  choices: ImportChoices;
  /** SHA-256 over the bundle, the mode, the choices, the importer and the outcome of every row. */
  digest: string;
  tables: TablePlan[];
  blobs: BlobPlan;
  /** The users of the bundle where it carries them, and whom its rows name, those most often named first; at most 1,000. */
  users: PlannedUser[];
  /** Of mode `replace` alone. */
  replace?: ReplacePlan;
  warnings: string[];
}

/** What is otherwise than planned in one table of the target: in the details of `IMPORT_PLAN_CHANGED`. */
export interface MovedTable {
  table: string;
  planned: Partial<Record<Outcome, number>>;
  now: Partial<Record<Outcome, number>>;
  /** Rows of which the outcome, or what would be changed or is in the way, is another one. */
  rows: number;
  /** The first of them. */
  samples: { row: number; key: string[]; planned: Outcome; now: Outcome }[];
}

export interface ImportReport {
  import_id: string;
  plan: Plan;
  /** Objects that could not be written; their rows were skipped. */
  failed_blobs: { table: string; row: number; key: string; error: string }[];
  /** Every row that did not arrive, with its reason, up to a bound. */
  skipped: (PlanRow & { table: string })[];
  skipped_truncated: boolean;
  /** Objects that could not be removed or replaced behind the commit of a `replace`; the next import does it. */
  pending_objects?: number;
  started_at: string;
  finished_at: string;
}
