import type { ConflictMode, Outcome, PlanCode } from "../engine/plan.ts";

export const modeTexts: Record<ConflictMode, [label: string, description: string]> = {
  skip_existing: ["Add what is new", "Whatever is here already stays as it is."],
  merge: ["Add and update", "Rows that are here already take the bundle's values. History, organization and owners stay."],
  replace: [
    "Replace everything",
    "This installation ends up with what the bundle holds, and nothing else of what it could hold.",
  ],
  overwrite_metadata_only: ["Add, and refresh metadata", "Rows that are here already take the bundle's metadata only."],
};

/** What becomes of a row with this outcome. */
export const outcomeTexts: Record<PlanCode, string> = {
  insert: "new: will be added",
  update: "differs: will be updated",
  metadata_update: "its metadata will be updated",
  identical: "the same on both sides",
  keep: "differs, and stays as it is here",
  append_only: "differs, and stays: history is never changed",
  conflict_unique: "skipped: another row here has its unique value",
  other_tenant: "skipped: it belongs to another organization here",
  missing_parent: "skipped: the row that it belongs to is nowhere",
  blob_missing: "skipped: its stored file is nowhere",
  not_imported: "skipped: its table never enters",
  delete: "is not in the bundle: will be deleted",
  reassigned: "arriving in your name",
  matched: "here already under another key, found by what names it",
  renumbered: "getting another number, their own being taken here",
  reference_cleared: "arriving without a reference whose row is nowhere",
};

export interface Group {
  name: "new" | "changed" | "same" | "kept" | "skipped" | "deleted";
  label: string;
  outcomes: readonly Outcome[];
}

/** As a plan is counted and drawn. */
export const groups: readonly Group[] = [
  { name: "new", label: "New", outcomes: ["insert"] },
  { name: "changed", label: "Changed", outcomes: ["update", "metadata_update"] },
  { name: "same", label: "Identical", outcomes: ["identical"] },
  { name: "kept", label: "Kept", outcomes: ["keep", "append_only"] },
  {
    name: "skipped",
    label: "Skipped",
    outcomes: ["conflict_unique", "other_tenant", "missing_parent", "blob_missing", "not_imported"],
  },
  { name: "deleted", label: "Deleted", outcomes: ["delete"] },
];
