import { readdir } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { KeptPlan, Plan, PlanPage } from "../../../engine/plan.ts";
import { defaultAdminEmail } from "../../../server/scopes/easm/demo.ts";
import { appOf, bearer, formOf, type TestInstallation, useInstallations } from "./installation.ts";

const installations = useInstallations();
let target: TestInstallation;
let bundle: Blob;
let app: ReturnType<typeof appOf>;
/** Who asks. */
let admin = defaultAdminEmail;

beforeAll(async () => {
  const full = await installations.demo();
  target = await installations.empty();
  bundle = await (await appOf(full).request("/export", { method: "POST", headers: bearer })).blob();
  const imported = await appOf(target).request("/import?mode=skip_existing", {
    method: "POST",
    headers: bearer,
    body: formOf(bundle),
  });
  expect(imported.status).toBe(200);
  await target.db.sql`update assets set notes = 'mine' where id in (select id from assets order by id limit 7)`;
  await target.db
    .sql`insert into users (email, display_name, password_hash, is_admin) values ('second@x.example', 'S', 'x', true)`;
  app = appOf(target, { authorize: () => ({ email: admin }) });
});

async function previewed(
  mode = "merge",
): Promise<{ digest: string; tables: { table: string; outcomes: Record<string, number> }[] }> {
  const answer = await app.request(`/import/preview?mode=${mode}`, { method: "POST", body: formOf(bundle) });
  return ((await answer.json()) as { plan: Plan }).plan;
}

const get = async (path: string) => app.request(path);
const pageOf = async (answer: Promise<Response>) => (await (await answer).json()) as PlanPage;

describe("GET /import/plan/<digest>", () => {
  test("gives the plan of the preview, and when it expires", async () => {
    const plan = await previewed();
    const answer = await get(`/import/plan/${plan.digest}`);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const kept = (await answer.json()) as KeptPlan;
    expect(kept).toMatchObject({ plan, importer: admin });
    expect(Date.parse(kept.expires_at) - Date.parse(kept.created_at)).toBe(3_600_000);
  });

  test("gives rows by outcome, with old and new values", async () => {
    const { digest } = await previewed();
    const page = await pageOf(get(`/import/plan/${digest}/assets?outcome=update&from=2&count=3`));
    expect(page).toMatchObject({ table: "assets", outcome: "update", from: 2, total: 7 });
    expect(page.rows).toHaveLength(3);
    for (const { changes } of page.rows) expect(changes).toMatchObject([{ column: "notes", old: "mine" }]);
    const all = await pageOf(get(`/import/plan/${digest}/assets`));
    expect(all).toMatchObject({ outcome: null, from: 0, total: 200 });
    expect(all.rows).toHaveLength(100);
  });

  test("a plan belongs to the admin it was made for", async () => {
    const { digest } = await previewed();
    admin = "second@x.example";
    const answer = await get(`/import/plan/${digest}`);
    const page = await get(`/import/plan/${digest}/assets`);
    admin = defaultAdminEmail;
    for (const refused of [answer, page]) {
      expect(refused.status).toBe(404);
      expect(await refused.json()).toMatchObject({ code: "IMPORT_PLAN_UNKNOWN" });
    }
    expect((await appOf(target).request(`/import/plan/${digest}`)).status).toBe(401);
  });

  test("an unknown digest, an unknown table and wrong parameters are refused", async () => {
    const { digest } = await previewed();
    expect((await get(`/import/plan/${"0".repeat(64)}`)).status).toBe(404);
    expect((await get("/import/plan/..%2f..%2fetc")).status).toBe(404);
    const wrong = [
      "nowhere",
      "toString",
      "assets?outcome=lost",
      "assets?from=-1",
      "assets?count=1001",
      "assets?count=1e2",
      "assets?from=x",
    ];
    for (const rest of wrong) {
      const answer = await get(`/import/plan/${digest}/${rest}`);
      expect({ rest, status: answer.status }).toEqual({ rest, status: 400 });
    }
  });

  test("at most eight plans are kept, and a preview that fails leaves nothing", async () => {
    for (let i = 0; i < 10; i++) {
      await target.db.sql`update assets set notes = ${`n${i}`} where id in (select id from assets order by id limit 7)`;
      await previewed();
    }
    const folders = async () => (await readdir(target.uploads.folder)).length;
    expect(await folders()).toBe(8);
    const failed = await app.request("/import/preview", { method: "POST", body: formOf(bundle.slice(0, 9000)) });
    expect(failed.status).toBe(422);
    expect(await folders()).toBe(8);
  });
});
