import { randomInt } from "node:crypto";
import { mkdir, readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import * as tus from "tus-js-client";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ImportReport, Plan } from "../../../engine/plan.ts";
import { s3Store } from "../../../server/blobs/s3-store.ts";
import { cuttingProxy } from "../../support/cutting-proxy.ts";
import { createBucket, s3SkipReason, s3StartTimeout } from "../../support/s3.ts";
import { apiOf, appOf, bearer, formOf, type TestInstallation, token, useInstallations } from "./installation.ts";

const installations = useInstallations();
const MiB = 1024 ** 2;
let bundle: Buffer;

beforeAll(async () => {
  const full = await installations.demo({ assets: 300, files: 60 });
  const answer = await appOf(full).request("/export", { method: "POST", headers: bearer });
  bundle = Buffer.from(await answer.arrayBuffer());
});

const tusHeaders = { ...bearer, "Tus-Resumable": "1.0.0" };
const base64 = (text: string) => Buffer.from(text).toString("base64");

type App = ReturnType<typeof appOf>;

async function create(app: App, length: number, headers: Record<string, string> = {}) {
  const response = await app.request("/uploads", {
    method: "POST",
    headers: { ...tusHeaders, "Upload-Length": String(length), ...headers },
  });
  return { response, id: response.headers.get("location")?.split("/").pop() ?? "" };
}

function patch(app: App, id: string, bytes: Uint8Array, offset: number, headers: Record<string, string> = {}) {
  const body = new Uint8Array(bytes);
  const own = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
  const length = { "Content-Length": String(body.length) };
  return app.request(`/uploads/${id}`, { method: "PATCH", headers: { ...tusHeaders, ...own, ...length, ...headers }, body });
}

const head = (app: App, id: string, headers: Record<string, string> = {}) =>
  app.request(`/uploads/${id}`, { method: "HEAD", headers: { ...tusHeaders, ...headers } });

const post = (app: App, path: string, body: object, headers: Record<string, string> = {}) =>
  app.request(path, {
    method: "POST",
    headers: { ...bearer, "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** What two imports of the same bundle have in common. */
function comparable(report: unknown) {
  const { plan, failed_blobs, skipped } = report as ImportReport;
  return { plan: { ...plan, digest: "" }, failed_blobs, skipped };
}

test("in pieces, previewed twice and imported once: as the same bundle in a form, and then the upload is gone", async () => {
  const [target, other] = [await installations.empty(), await installations.empty()];
  const app = appOf(target);
  const { response, id } = await create(app, bundle.length, { "Upload-Metadata": `filename ${base64("a.zip")}` });
  expect(response.status).toBe(201);
  expect(response.headers.get("location")).toBe(`uploads/${id}`);
  const half = Math.floor(bundle.length / 2);
  expect((await patch(app, id, bundle.subarray(0, half), 0)).status).toBe(204);
  expect((await head(app, id)).headers.get("upload-offset")).toBe(String(half));
  const early = await post(app, "/import/preview", { upload: id });
  expect(early.status).toBe(409);
  expect(await early.json()).toMatchObject({ code: "UPLOAD_INCOMPLETE", bytes_received: half });
  const rest = await patch(app, id, bundle.subarray(half), half);
  expect(rest.headers.get("upload-offset")).toBe(String(bundle.length));

  const preview = (await (await post(app, "/import/preview", { upload: id, mode: "merge" })).json()) as { plan: Plan };
  const again = (await (await post(app, "/import/preview?mode=merge", { upload: id })).json()) as { plan: Plan };
  expect(again.plan.digest).toBe(preview.plan.digest);
  const fields = { upload: id, mode: "merge", plan_digest: preview.plan.digest };
  const report = await (await post(app, "/import", fields)).json();
  const form = formOf(bundle, { mode: "merge" });
  const direct = await (await appOf(other).request("/import", { method: "POST", headers: bearer, body: form })).json();
  expect(comparable(report)).toEqual(comparable(direct));
  expect(await post(app, "/import", fields)).toMatchObject({ status: 404 });
  expect(await readdir(join(target.uploads.folder, "resumable"))).toEqual([]);
});

test("an import that is refused leaves the upload for another try", async () => {
  const app = appOf(await installations.empty());
  const { id } = await create(app, bundle.length);
  await patch(app, id, bundle, 0);
  const refused = await post(app, "/import", { upload: id, mode: "merge", plan_digest: "0".repeat(64) });
  expect(refused.status).toBe(409);
  expect((await post(app, "/import", { upload: id, mode: "merge" })).status).toBe(200);
});

test("what is too large is refused at its creation, and nothing is kept", async () => {
  const target = await installations.empty();
  const app = appOf(target, { uploads: { ...target.uploads, maxBytes: 1000 } });
  const { response } = await create(app, 1001);
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ code: "LIMIT_ARCHIVE_BYTES", limit: 1000 });
  expect(await readdir(target.uploads.folder).catch(() => [])).toEqual([]);
  const { id } = await create(app, 1000);
  expect((await patch(app, id, new Uint8Array(1001), 0)).status).toBeGreaterThanOrEqual(400);
  expect(Number((await head(app, id)).headers.get("upload-offset"))).toBeLessThanOrEqual(1000);
});

describe("whose it is", () => {
  const asAdmin = (target: TestInstallation, email: string) => appOf(target, { authorize: () => ({ email }) });

  test("another admin can neither see, continue, import nor remove it", async () => {
    const target = await installations.empty();
    const [mine, theirs] = [asAdmin(target, "one@easm.example"), asAdmin(target, "two@easm.example")];
    const { id } = await create(mine, 10, { "Upload-Metadata": `owner ${base64("two@easm.example")}` });
    expect((await patch(mine, id, new Uint8Array(5), 0)).status).toBe(204);
    const refusal = await patch(theirs, id, new Uint8Array(5), 5);
    expect(refusal.status).toBe(404);
    expect(await refusal.json()).toMatchObject({ code: "UPLOAD_MISSING" });
    expect((await head(theirs, id)).status).toBe(404);
    expect((await theirs.request(`/uploads/${id}`, { method: "DELETE", headers: tusHeaders })).status).toBe(404);
    expect((await head(mine, id)).headers.get("upload-offset")).toBe("5");
    expect((await patch(mine, id, new Uint8Array(5), 5)).status).toBe(204);
    const admin = asAdmin(target, "admin@easm.example");
    expect(await (await post(admin, "/import/preview", { upload: id })).json()).toMatchObject({ code: "UPLOAD_MISSING" });
  });

  test("nobody gets anywhere without a sign-in, and a page of another origin neither with the admin's cookie", async () => {
    const target = await installations.empty();
    const app = appOf(target);
    const { id } = await create(app, 10);
    const strangers = { Authorization: "Bearer of-bad-news-only" };
    expect((await create(app, 10, strangers)).response.status).toBe(401);
    expect((await head(app, id, strangers)).status).toBe(401);
    expect((await patch(app, id, new Uint8Array(5), 0, strangers)).status).toBe(401);
    const server = await installations.serve(target);
    const signIn = await fetch(server.signInUrl, { redirect: "manual" });
    const cookie = signIn.headers.get("set-cookie")!.split(";")[0]!;
    const headers = { "Tus-Resumable": "1.0.0", "Upload-Length": "10", Cookie: cookie };
    const ask = (origin: string) =>
      fetch(`${apiOf(server)}/uploads`, { method: "POST", headers: { ...headers, Origin: origin } });
    const foreign = await ask("https://evil.example");
    expect(foreign.status).toBe(403);
    expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
    const own = await ask(new URL(server.url).origin);
    expect(own.status).toBe(201);
    expect(own.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("an id that is none, and reading back, find nothing", async () => {
    const app = appOf(await installations.empty());
    const { id } = await create(app, 1);
    for (const name of ["x", "..%2f..%2fetc", `${id}.json`]) expect((await head(app, name)).status, name).toBe(404);
    expect((await app.request(`/uploads/${id}`, { headers: tusHeaders })).status).toBe(404);
    const notText = await post(app, "/import/preview", { upload: 7 });
    expect(await notText.json()).toMatchObject({ code: "REQUEST_INVALID" });
  });
});

test("an offset that is not the server's is refused, and a cancelled upload is gone", async () => {
  const target = await installations.empty();
  const app = appOf(target);
  const { id } = await create(app, 10);
  const refusal = await patch(app, id, new Uint8Array(5), 3);
  expect(refusal.status).toBe(409);
  expect(refusal.headers.get("content-type")).toBe("application/problem+json");
  expect((await app.request(`/uploads/${id}`, { method: "DELETE", headers: tusHeaders })).status).toBe(204);
  expect((await head(app, id)).status).toBe(404);
  expect(await readdir(join(target.uploads.folder, "resumable"))).toEqual([]);
});

test("whoever begins an upload clears away what was abandoned, and nothing else", async () => {
  const target = await installations.empty();
  const app = appOf(target);
  const folder = join(target.uploads.folder, "resumable");
  await mkdir(folder, { recursive: true });
  const [old, young] = [await create(app, 10), await create(app, 10)];
  await patch(app, old.id, new Uint8Array(5), 0);
  const past = new Date(Date.now() - 4 * 24 * 60 * 60 * 1000);
  await utimes(join(folder, `${old.id}.part`), past, past);
  expect((await patch(app, old.id, new Uint8Array(5), 5)).status).toBe(410);
  const next = await create(app, 10);
  expect(new Set((await readdir(folder)).map((name) => name.slice(0, 36)))).toEqual(new Set([young.id, next.id]));
});

interface Sent {
  url: string;
  retries: number;
}

/** By the client that the page uses, given up and taken up again after each of `reloads` parts of the bytes. */
async function send(endpoint: string, chunkSize: number, reloads: number[]): Promise<Sent> {
  const stops = [...reloads];
  let [uploadUrl, retries]: [string | null, number] = [null, 0];
  for (;;) {
    const done = await new Promise<boolean>((ended, failed) => {
      const upload = new tus.Upload(bundle, {
        endpoint,
        uploadUrl,
        chunkSize,
        headers: bearer,
        retryDelays: Array.from({ length: 40 }, () => 20),
        onShouldRetry: () => {
          retries++;
          return true;
        },
        onProgress: (sent) => {
          if (stops.length === 0 || sent < bundle.length * stops[0]!) return;
          stops.shift();
          uploadUrl = upload.url;
          void upload.abort().then(() => ended(false));
        },
        onError: failed,
        onSuccess: () => {
          uploadUrl = upload.url;
          ended(true);
        },
      });
      upload.start();
    });
    if (done) return { url: uploadUrl!, retries };
  }
}

test("cut at twenty points at random and given up twice: one upload, hardly a byte sent twice, the report as without", async () => {
  const target = await installations.empty();
  const server = await installations.serve(target);
  const chunkSize = 256 * 1024;
  const cutsAt = Array.from({ length: 20 }, () => randomInt(5_000, bundle.length)).sort((a, b) => a - b);
  const proxy = await cuttingProxy(new URL(server.url), cutsAt);
  onTestFinished(() => proxy.close());
  const { url, retries } = await send(`http://127.0.0.1:${proxy.port}/api/v1/admin/backup/uploads`, chunkSize, [0.3, 0.7]);
  expect(proxy.cuts(), `cuts at ${cutsAt}`).toBe(20);
  expect(retries).toBeGreaterThan(0);
  // Beside the bytes of the bundle: headers, and for every cut and stop at most one chunk.
  const headers = 1500 * (bundle.length / chunkSize + 3 * 22);
  expect(proxy.sent()).toBeLessThan(bundle.length + 22 * chunkSize + headers);
  expect((await readdir(join(target.uploads.folder, "resumable"))).length).toBe(2);

  const body = { upload: url.split("/").pop()!, mode: "skip_existing" };
  const headersOf = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const imported = await fetch(`${apiOf(server)}/import`, { method: "POST", headers: headersOf, body: JSON.stringify(body) });
  const other = await installations.empty();
  const form = formOf(bundle, { mode: "skip_existing" });
  const direct = await appOf(other).request("/import", { method: "POST", headers: bearer, body: form });
  expect(comparable(await imported.json())).toEqual(comparable(await direct.json()));
});

test("a server that is killed goes on at the byte that it has on its disk", async () => {
  const target = await installations.empty();
  const { id } = await create(appOf(target), 100);
  await patch(appOf(target), id, new Uint8Array(60), 0);
  expect((await head(appOf(target), id)).headers.get("upload-offset")).toBe("60");
  expect((await patch(appOf(target), id, new Uint8Array(40), 60)).status).toBe(204);
});

const noS3 = s3SkipReason();
describe.skipIf(noS3 !== undefined)(`in a bucket${noS3 === undefined ? "" : `: ${noS3}`}`, () => {
  test("in pieces, cut, imported, and gone; nothing else in the bucket is touched", { timeout: s3StartTimeout }, async () => {
    const bucket = await createBucket();
    for (const [name, value] of Object.entries(bucket.env)) process.env[name] = value;
    onTestFinished(() => {
      for (const name of Object.keys(bucket.env)) delete process.env[name];
    });
    const target = await installations.empty();
    const store = `s3://${bucket.bucket}/waiting`;
    const server = await installations.serve({ ...target, uploads: { ...target.uploads, store } });
    const cutsAt = [bundle.length * 0.2, bundle.length * 0.5, bundle.length * 0.8].map(Math.floor);
    const proxy = await cuttingProxy(new URL(server.url), cutsAt);
    onTestFinished(() => proxy.close());
    const { url } = await send(`http://127.0.0.1:${proxy.port}/api/v1/admin/backup/uploads`, 8 * MiB, [0.6]);
    expect(proxy.cuts()).toBe(3);
    const headers = { ...bearer, "Content-Type": "application/json" };
    const body = JSON.stringify({ upload: url.split("/").pop(), mode: "skip_existing" });
    const report = await fetch(`${apiOf(server)}/import`, { method: "POST", headers, body });
    expect(await report.json()).toMatchObject({ failed_blobs: [] });
    expect(report.status).toBe(200);
    const gone = await fetch(`${apiOf(server)}/import`, { method: "POST", headers, body });
    expect(gone.status).toBe(404);
    const left = [];
    for await (const { key } of s3Store({ ...bucket, prefix: "" }).list()) left.push(key);
    expect(left).toEqual([]);
  });
});
