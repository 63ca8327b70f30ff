import type { Context } from "hono";
import { BackupError } from "../../engine/errors.ts";
import { listTenants } from "../export/list-tenants.ts";
import type { BackupEnv, Installation } from "./backup-app.ts";

export async function tenantsRoute(c: Context<BackupEnv>, { sql, scope }: Installation): Promise<Response> {
  return c.json(await listTenants(sql, scope, c.req.query("search")), 200, { "Cache-Control": "no-store" });
}

/** Of a request's body. @throws BackupError `REQUEST_INVALID` for anything but a list of texts. */
export function readTenants(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string")) return value;
  throw new BackupError(
    "REQUEST_INVALID",
    'tenants is a list of keys or names, such as {"tenants":["acme"]}; without it, all of them leave',
  );
}
