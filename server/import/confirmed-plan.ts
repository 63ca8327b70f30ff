import type { Sql } from "postgres";
import type { Plan } from "../../engine/plan.ts";
import type { ImportRequest } from "./import-request.ts";
import { PlanReader } from "./kept/read-plan.ts";
import { assertPlanned, type EarlierPlan, loadEarlier } from "./moved-rows.ts";
import type { PlanInput } from "./plan-input.ts";

/** The plan that an import was told to carry out, with as much as is still known of it. */
export async function confirmedPlan({
  planDigest,
  keptPlan,
}: Pick<ImportRequest, "planDigest" | "keptPlan">): Promise<EarlierPlan | undefined> {
  if (planDigest === undefined) return undefined;
  const reader = keptPlan === undefined ? undefined : await PlanReader.open(keptPlan).catch(() => undefined);
  // A folder that expired meanwhile only makes the refusal say less.
  return reader?.plan.digest === planDigest ? { digest: planDigest, plan: reader.plan } : { digest: planDigest };
}

/**
 * Where the plan is not the confirmed one, the rows of that one are brought in to see what moved.
 * @throws BackupError `IMPORT_PLAN_CHANGED`
 */
export async function assertConfirmed(
  sql: Sql,
  inputs: readonly PlanInput[],
  plan: Plan,
  confirmed: EarlierPlan | undefined,
  folder: string | undefined,
): Promise<void> {
  const isKnown = confirmed?.plan?.bundle_sha256 === plan.bundle_sha256 && confirmed.digest !== plan.digest;
  const reader = isKnown && folder !== undefined ? await PlanReader.open(folder).catch(() => undefined) : undefined;
  if (reader === undefined) return assertPlanned(sql, inputs, plan, confirmed);
  await loadEarlier(sql, inputs, reader);
  await assertPlanned(sql, inputs, plan, { ...confirmed!, tables: "stamps" });
}
