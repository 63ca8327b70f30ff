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

async function previewed(mode = "merge"): Promise<Plan> {
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

describe("choices of a preview and an import", () => {
  const post = (path: string, fields: Record<string, string>) =>
    app.request(path, { method: "POST", body: formOf(bundle, { mode: "merge", ...fields }) });

  test("are read from the form or the query, and bind the import", async () => {
    const [{ slug }] = (await target.db.sql`select slug from organizations order by id limit 1`) as unknown as [{ slug: string }];
    const answer = await post(`/import/preview?orgs=${slug}`, { tables: "organizations, scopes", match_natural_keys: "false" });
    const { plan } = (await answer.json()) as { plan: Plan };
    expect(plan.choices).toMatchObject({
      match_natural_keys: false,
      tables: ["organizations", "scopes"],
      tenants: [expect.any(String)],
    });
    const unlike = await post("/import", { tables: "organizations,scopes", plan_digest: plan.digest });
    expect(unlike.status).toBe(409);
    expect(await unlike.json()).toMatchObject({ code: "IMPORT_PLAN_CHANGED", detail: expect.stringContaining("other choices") });
    const choices = { tables: "organizations,scopes", match_natural_keys: "false", orgs: slug, plan_digest: plan.digest };
    const done = await post("/import", choices);
    expect(done.status).toBe(200);
    expect(await done.json()).toMatchObject({ plan });
  });

  test("a mapping of users is a JSON object", async () => {
    const [{ id }] = (await target.db.sql`select id from users where email = ${admin}`) as unknown as [{ id: string }];
    const [first] = (await previewed()).users;
    const answer = await post("/import/preview", { user_map: JSON.stringify({ [first!.id]: admin }) });
    const { plan } = (await answer.json()) as { plan: Plan };
    expect(plan.choices.user_map).toEqual({ [first!.id]: id });
    expect(plan.users.find((user) => user.id === first!.id)!.mapped).toEqual({ id, email: admin });
  });

  test.each([
    { user_map: "ops@example.com" },
    { user_map: '["a"]' },
    { user_map: '{"a":1}' },
    { user_map: '{"nobody@here":"a"}' },
    { tables: "assets,,files" },
    { tables: "webhooks" },
    { orgs: "nowhere" },
    { match_natural_keys: "1" },
    { maps: "{}" },
  ])("%j is refused", async (fields) => {
    const answer = await post("/import/preview", fields as unknown as Record<string, string>);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("a plan that is still kept says what moved", async () => {
    const plan = await previewed();
    await target.db.sql`update vulnerabilities set notes = 'moved' where id = (select min(id::text)::uuid from vulnerabilities)`;
    const refused = await post("/import", { plan_digest: plan.digest });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({
      moved: [{ table: "vulnerabilities", rows: 1, samples: [{ planned: "identical", now: "update" }] }],
    });
  });
});
