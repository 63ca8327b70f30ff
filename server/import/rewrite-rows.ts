import type { Sql } from "postgres";
import { quoteIdent } from "../database/session.ts";
import type { PlanInput } from "./plan-input.ts";

/**
 * Rewrites the columns that the scope rewrites on the way in: a bundle of another producer may hold what ours never would, such as
 * a scan that waits for a scheduler.
 * @returns a warning for each table in which a row was not as it should be.
 */
export async function rewriteRows(sql: Sql, inputs: readonly PlanInput[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const { table } of inputs) {
    const columns = (table.scope.rewriteOnImport ?? []).filter((name) =>
      table.carried.some((column) => column.name === name && !column.viaJson),
    );
    if (columns.length === 0) continue;
    const rewritten = columns.map((name) => `(${table.scope.rewrite![name]})`);
    const set = columns.map((name, i) => `${quoteIdent(name)} = ${rewritten[i]}`).join(", ");
    const differs = columns.map((name, i) => `${quoteIdent(name)} is distinct from ${rewritten[i]}`).join(" or ");
    const { count } = await sql.unsafe(`update ${table.original} set ${set} where ${differs}`);
    if (count > 0) {
      const rows = count === 1 ? "1 row arrives" : `${count} rows arrive`;
      warnings.push(`${table.key}: ${rows} with ${columns.join(" and ")} as this scope writes them, and not as the bundle does`);
    }
  }
  return warnings;
}
