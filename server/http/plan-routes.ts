import type { Context } from "hono";
import { BackupError } from "../../engine/errors.ts";
import { type KeptPlan, type PlanCode, type PlanPage, planCodes } from "../../engine/plan.ts";
import type { BackupEnv, Installation } from "./backup-app.ts";
import { importerOf } from "./import-routes.ts";
import type { FoundPlan } from "./kept-plans.ts";

/** Most rows of one page. */
export const mostRows = 1000;
const defaultRows = 100;

/** The summary of a plan that a preview has made a while ago. */
export async function planRoute(c: Context<BackupEnv>, installation: Installation): Promise<Response> {
  const { reader, importer, createdAt, expiresAt } = await find(c, installation);
  const kept: KeptPlan = {
    plan: reader.plan,
    importer: importer.email,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
  };
  return c.json(kept, 200, { "Cache-Control": "no-store" });
}

/** Some rows of one of its tables. */
export async function planPageRoute(c: Context<BackupEnv>, installation: Installation): Promise<Response> {
  const from = wholeNumber("from", c.req.query("from"), 0, Number.MAX_SAFE_INTEGER);
  const count = wholeNumber("count", c.req.query("count"), defaultRows, mostRows);
  const outcome = codeOf(c.req.query("outcome"));
  const { reader } = await find(c, installation);
  const table = c.req.param("table")!;
  const page: PlanPage = await reader.page({ table, from, count, ...(outcome === undefined ? {} : { outcome }) });
  return c.json(page, 200, { "Cache-Control": "no-store" });
}

async function find(c: Context<BackupEnv>, installation: Installation): Promise<FoundPlan> {
  return installation.plans.find(c.req.param("digest")!, await importerOf(c, installation));
}

function codeOf(text: string | undefined): PlanCode | undefined {
  if (text === undefined) return undefined;
  const code = planCodes.find((known) => known === text);
  if (code !== undefined) return code;
  throw new BackupError("REQUEST_INVALID", `outcome is one of ${planCodes.join(", ")}, not ${JSON.stringify(text)}`);
}

function wholeNumber(name: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value <= most) return value;
  throw new BackupError("REQUEST_INVALID", `${name} is a whole number up to ${most}, not ${JSON.stringify(text)}`);
}
