import { beforeAll, expect, test } from "vitest";
import type { Plan } from "../../../engine/plan.ts";
import { openapiDocument } from "../../../server/http/openapi.ts";
import type { Schema } from "../../../server/http/openapi-schemas.ts";
import { easm } from "../../../server/scopes/easm/scope.ts";
import { appOf, bearer, formOf, type TestInstallation, useInstallations } from "./installation.ts";
import { mismatches } from "./schema-check.ts";

const installations = useInstallations();
const document = openapiDocument(easm);
const { schemas } = document.components;
let full: TestInstallation;
let target: TestInstallation;
let bundle: Blob;

beforeAll(async () => {
  [full, target] = [await installations.demo(), await installations.empty()];
  bundle = await (await appOf(full).request("/export", { method: "POST", headers: bearer })).blob();
});

type Operation = { responses: Record<string, { content: Record<string, { schema: Schema }> }> };

/** A response is described: its status, its type and its shape. */
async function expectDescribed(method: "get" | "post", path: keyof typeof document.paths, response: Response) {
  const operation = (document.paths[path] as Record<string, unknown>)[method] as Operation;
  const described = operation.responses[response.status];
  expect(described, `${response.status} of ${path}`).toBeDefined();
  const type = response.headers.get("content-type")!;
  expect(Object.keys(described!.content)).toContain(type);
  const text = await response.text();
  const values = type === "application/x-ndjson" ? text.trim().split("\n") : [text];
  for (const value of values) expect(mismatches(JSON.parse(value), described!.content[type]!.schema, schemas)).toEqual([]);
}

test("every route is described, and every description has its route", () => {
  const routes = appOf(full).routes.filter(({ method, path }) => method !== "ALL" && path !== "/*");
  const served = routes.map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const described = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(served.sort()).toEqual(described.sort());
});

test("every reference leads somewhere, and every schema is used", () => {
  const used = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!);
  expect([...new Set(used)].sort()).toEqual(Object.keys(schemas).sort());
});

test("the export's options are the scope's", () => {
  expect(Object.keys(schemas["ExportOptions"]!.properties!)).toEqual([
    ...Object.keys(easm.options),
    ...Object.keys(easm.ignoredOptions),
    "files",
    "tenants",
  ]);
});

test("answers are as described", async () => {
  const post = (path: string, headers: Record<string, string> = {}, body: FormData | string = formOf(bundle)) =>
    appOf(target).request(path, { method: "POST", headers: { ...bearer, ...headers }, body });
  const ndjson = { Accept: "application/x-ndjson" };
  await expectDescribed("get", "/scope", await appOf(full).request("/scope", { headers: bearer }));
  await expectDescribed("get", "/tenants", await appOf(full).request("/tenants", { headers: bearer }));
  await expectDescribed("get", "/openapi.json", await appOf(full).request("/openapi.json", { headers: bearer }));
  await expectDescribed("get", "/scope", await appOf(full).request("/scope"));
  await expectDescribed("post", "/export", await post("/export", { "Content-Type": "application/json" }, '{"x":true}'));
  await expectDescribed("post", "/export/estimate", await post("/export/estimate", {}, ""));
  await expectDescribed("post", "/export/estimate", await post("/export/estimate", { "Content-Type": "application/json" }, "[]"));
  const asked = JSON.stringify({ files: [{ sha256: "0".repeat(64), size: 1 }] });
  await expectDescribed(
    "post",
    "/import/known-files",
    await post("/import/known-files", { "Content-Type": "application/json" }, asked),
  );
  await expectDescribed(
    "post",
    "/import/known-files",
    await post("/import/known-files", { "Content-Type": "application/json" }, "{}"),
  );
  await expectDescribed("post", "/uploads", await post("/uploads", { "Tus-Resumable": "1.0.0" }, ""));
  await expectDescribed(
    "post",
    "/import/preview",
    await post("/import/preview", { "Content-Type": "application/json" }, '{"upload":"x"}'),
  );
  await expectDescribed("post", "/import/preview", await post("/import/preview?mode=merge"));
  await expectDescribed("post", "/import/preview", await post("/import/preview", ndjson));
  await expectDescribed("post", "/import/preview", await post("/import/preview", {}, formOf(bundle.slice(0, 5000))));
  await expectDescribed("post", "/import", await post("/import"));
  await expectDescribed("post", "/import", await post("/import?mode=merge", ndjson));
  // By now some rows are kept and others conflict, so that samples and skipped rows have shapes.
  await target.db.sql`update organizations set slug = slug || '-2'`;
  await target.db.sql`update assets set id = gen_random_uuid() where id in (select id from assets where not exists
    (select 1 from asset_edges where source_id = assets.id or target_id = assets.id) limit 3)`.catch(() => {});
  await expectDescribed("post", "/import", await post("/import?mode=merge"));
  await expectDescribed("post", "/import", await post(`/import?mode=merge&plan_digest=${"0".repeat(64)}`));
});

test("a kept plan and its rows are as described", async () => {
  const app = appOf(target);
  await target.db.sql`update assets set notes = 'differs' where id in (select id from assets limit 3)`;
  const preview = await app.request("/import/preview?mode=merge", { method: "POST", headers: bearer, body: formOf(bundle) });
  const { plan } = (await preview.json()) as { plan: Plan };
  const get = async (path: string) => app.request(`/import/plan/${path}`, { headers: bearer });
  await expectDescribed("get", "/import/plan/{digest}", await get(plan.digest));
  await expectDescribed("get", "/import/plan/{digest}", await get("0".repeat(64)));
  for (const { table } of plan.tables) {
    await expectDescribed("get", "/import/plan/{digest}/{table}", await get(`${plan.digest}/${table}?count=1000`));
  }
  await expectDescribed("get", "/import/plan/{digest}/{table}", await get(`${plan.digest}/assets?outcome=update`));
  await expectDescribed("get", "/import/plan/{digest}/{table}", await get(`${plan.digest}/assets?outcome=lost`));
});
