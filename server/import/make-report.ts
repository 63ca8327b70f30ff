import type { Sql } from "postgres";
import type { ImportReport, Plan } from "../../engine/plan.ts";
import type { PlanContext } from "./make-plan.ts";
import { skippedRows } from "./plan-summary.ts";

/** At most this many skipped rows are listed in a report; all of them are counted. */
const listedRows = 10_000;

export async function makeReport(
  sql: Sql,
  context: PlanContext,
  done: { plan: Plan; failed: ImportReport["failed_blobs"]; startedAt: string; importId: string },
): Promise<ImportReport> {
  const skipped: ImportReport["skipped"] = [];
  for (const input of context.inputs) {
    if (input.direct !== undefined) continue;
    const rows = await skippedRows(sql, input, listedRows - skipped.length);
    skipped.push(...rows.map((row) => ({ table: input.table.key, ...row })));
  }
  return {
    import_id: done.importId,
    plan: done.plan,
    failed_blobs: done.failed,
    skipped,
    skipped_truncated: skipped.length >= listedRows,
    started_at: done.startedAt,
    finished_at: new Date().toISOString(),
  };
}
