import type { ConflictMode } from "../../engine/plan.ts";
import { quoteIdent } from "../database/session.ts";
import type { StagedRows } from "./stage-rows.ts";
import type { StageTable } from "./stage-table.ts";

/** A staged table beside what is known of it and of the target when its plan is made. */
export interface PlanInput {
  table: StageTable;
  staged: StagedRows;
  mode: ConflictMode;
  /** The importer's id, as PostgreSQL writes it. */
  importer: string;
  /** The target's table has no rows: there is nothing to compare with. */
  targetEmpty: boolean;
  /** The same of the earlier plan that was set aside. */
  earlierEmpty: boolean;
  /** Rows that are in the target under another key, and rows that get a new number, once they were looked for. */
  matched: number;
  renumbered: number;
  /** Rows in the plan table, once there is one. */
  planned: number;
  /**
   * The rows go straight from the bundle into the target's empty table, where they are expected or have arrived. They are all
   * inserted, and there is neither a staging table nor a plan table.
   */
  direct?: "awaited" | "copied";
  /** The scope's filter keeps rows out. */
  filtered?: boolean;
  /** A condition over a staged row `s` that keeps it out, where only some tenants enter. */
  outside?: string;
  /** Every staged table, for references. */
  inputs: ReadonlyMap<string, PlanInput>;
}

/** Staged rows `s` beside their plan `p`. */
export function plannedRows({ table, targetEmpty }: PlanInput): string {
  return `${table.stage} s ${targetEmpty ? "left join" : "join"} ${table.plan} p using (_row)`;
}

export function outcomeOf({ targetEmpty }: PlanInput, alias = "p"): string {
  return targetEmpty ? `coalesce(${alias}.outcome, 'insert')` : `${alias}.outcome`;
}

export function clearedOf({ targetEmpty }: PlanInput): string {
  return targetEmpty ? "coalesce(p.cleared, 0)" : "p.cleared";
}

/** Tables without stored objects join nothing. */
export function blobsOf(table: StageTable): string {
  return table.scope.blob === undefined ? "(select null::int8 as _row, null::text as state where false)" : table.blobs;
}

/** SQL list of the outcomes whose rows are in the target when the plan was carried out. */
export function arrivingOutcomes({ mode }: PlanInput): string {
  return mode === "replace" ? "('insert', 'update', 'identical')" : "('insert')";
}

export function joinOn(columns: readonly string[], left: string, right: string): string {
  return columns.map((name) => `${left}.${quoteIdent(name)} = ${right}.${quoteIdent(name)}`).join(" and ");
}
