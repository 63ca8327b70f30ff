import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { easm } from "../../../server/scopes/easm/scope.ts";
import {
  apiOf,
  bearer,
  holdRows,
  holdTable,
  shell,
  type TestInstallation,
  token,
  until,
  useInstallations,
  waitingBackend,
  withHeldRows,
} from "./installation.ts";

const installations = useInstallations();
let full: TestInstallation;
let web: string;

beforeAll(async () => {
  full = await installations.demo();
  web = await installations.temporaryFolder();
  await mkdir(join(web, "assets"));
  await writeFile(join(web, "index.html"), "<!doctype html><title>Holdall</title>");
  await writeFile(join(web, "assets", "main-abc123.js"), "export {};");
  await writeFile(join(web, ".secret.json"), "{}");
});

describe("the page", () => {
  test("is served with headers under which nothing foreign runs", async () => {
    const { url } = await installations.serve(full, { web });
    const page = await fetch(url);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = page.headers.get("content-security-policy")!;
    for (const directive of ["default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
      expect(policy.split("; ")).toContain(directive);
    }
    // WebAssembly hashes; no text becomes a script.
    expect(policy.split("; ")).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(policy.split("; ")).toContain("trusted-types lit-html holdall-worker");
    expect(policy.replace("'wasm-unsafe-eval'", "")).not.toMatch(/unsafe|\*/);
    for (const path of ["", "healthz", "api/v1/admin/backup/scope", "sign-in", "assets/main-abc123.js", "nothing"]) {
      const { headers } = await fetch(`${url}${path}`);
      expect(headers.get("content-security-policy"), path).toBe(policy);
      expect(headers.get("x-content-type-options"), path).toBe("nosniff");
      expect(headers.get("referrer-policy"), path).toBe("no-referrer");
      expect(headers.get("x-frame-options"), path).toBe("DENY");
    }
  });

  test("gives its own files and no other", async () => {
    const { url } = await installations.serve(full, { web });
    const asset = await fetch(`${url}assets/main-abc123.js`);
    expect(asset.headers.get("content-type")).toMatch(/^text\/javascript/);
    expect(asset.headers.get("cache-control")).toMatch(/immutable/);
    for (const path of [
      ".secret.json",
      "assets/../.secret.json",
      "..%2f..%2fpackage.json",
      "assets/%2e%2e/.secret.json",
      "assets/",
    ]) {
      const { stdout } = await shell(`curl --path-as-is -o /dev/null -w '%{http_code}' '${url}${path}'`).ended;
      expect(stdout, path).toBe("404");
    }
  });

  test("that is not built says how to build it", async () => {
    const { url } = await installations.serve(full, { web: join(web, "nowhere") });
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("npm run build");
  });
});

describe("signing in", () => {
  test("with the link gives the page's cookie, which no foreign origin can use", async () => {
    const server = await installations.serve(full);
    const { code, stdout, stderr } = await shell(`
      jar=$(mktemp)
      command curl -sS -c $jar -o /dev/null -w '%{http_code} %{redirect_url}\\n' '${server.signInUrl}'
      ask() { command curl -sS -b $jar -o /dev/null -w '%{http_code} ' "$@"; }
      ask ${apiOf(server)}/scope
      ask -X POST ${apiOf(server)}/export
      ask -X POST -H 'Origin: http://127.0.0.1:1' ${apiOf(server)}/export
      ask -X POST -H 'Origin: https://evil.example' ${apiOf(server)}/import
      ask -X POST -H 'Origin: ${server.url.slice(0, -1)}' -H 'Sec-Fetch-Site: same-origin' ${apiOf(server)}/export
      rm $jar`).ended;
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(`303 ${server.url}\n200 403 403 403 200 `);
  });

  test("with a wrong token answers 401", async () => {
    const server = await installations.serve(full);
    for (const authorization of [
      "Bearer wrong-and-long-enough",
      `Basic ${token}`,
      "",
      new URL(server.signInUrl).searchParams.get("key")!,
    ]) {
      const { status } = await fetch(`${apiOf(server)}/scope`, { headers: authorization ? { authorization } : {} });
      expect(status).toBe(401);
    }
    expect((await fetch(`${apiOf(server)}/scope`, { headers: bearer })).status).toBe(200);
  });
});

describe("closing", () => {
  test("ends a running export and its query", async () => {
    const server = await installations.serve(full, { scope: withHeldRows(easm, "exposure_changes") });
    const release = await holdRows(full, "exposure_changes");
    const curl = shell(`curl -f -X POST ${apiOf(server)}/export -o /dev/null`);
    const pid = await waitingBackend(full);
    await server.close();
    expect((await curl.ended).code).not.toBe(0);
    await until("the end of the query", async () => {
      const rows = await full.db.sql`select 1 from pg_stat_activity where pid = ${pid}`;
      return rows.length === 0;
    });
    await release();
    await expect(fetch(server.url)).rejects.toThrow();
  });

  test("waits for an import that is applying, and its client gets the report", async () => {
    const target = await installations.empty();
    const source = await installations.serve(full);
    const server = await installations.serve(target);
    // An import that inserts waits at the trigger, within the transaction that applies.
    await target.db.sql.unsafe(`create function wait() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(hashtext('applying')); return null; end $$;
      create trigger wait after insert on scopes for each statement execute function wait()`);
    const release = await holdRows(target, "applying");
    const curl = shell(`curl -f -X POST ${apiOf(source)}/export | curl -f -X POST -T - '${apiOf(server)}/import?mode=merge'`);
    await waitingBackend(target);
    const closing = server.close();
    expect(await Promise.race([closing.then(() => "closed"), new Promise((done) => setTimeout(done, 3000, "open"))])).toBe(
      "open",
    );
    await release();
    await closing;
    const { code, stdout, stderr } = await curl.ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty("import_id");
    expect(await target.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 200 }]);
  });

  test("ends an import that is not applying yet, and nothing was changed", async () => {
    const target = await installations.empty();
    const source = await installations.serve(full);
    const server = await installations.serve(target);
    const release = await holdTable(target, "assets");
    const curl = shell(`curl -f -X POST ${apiOf(source)}/export | curl -X POST -T - '${apiOf(server)}/import?mode=merge'`);
    await waitingBackend(target);
    await server.close();
    await release();
    expect(JSON.parse((await curl.ended).stdout)).toMatchObject({ status: 503 });
    expect(await target.db.sql`select count(*)::int as n from organizations`).toMatchObject([{ n: 0 }]);
    expect(await readdir(target.uploads.folder)).toEqual([]);
  });
});

test("uploads of a process that was killed are removed with the next upload", async () => {
  const target = await installations.empty();
  const { folder } = target.uploads;
  await mkdir(folder);
  const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
  const [dead, alive, old, foreign] = [`${host}.999999999.a.upload`, `${host}.1.b.upload`, `elsewhere.1.c.upload`, `notes.txt`];
  for (const name of [dead, alive, old, foreign]) await writeFile(join(folder, name), "x");
  const yesterday = Date.now() / 1000 - 25 * 3600;
  for (const name of [old, foreign]) await utimes(join(folder, name), yesterday, yesterday);
  const server = await installations.serve(target);
  await shell(`curl -F file=@/etc/hostname ${apiOf(server)}/import/preview`).ended;
  expect((await readdir(folder)).sort()).toEqual([alive, foreign].sort());
});

test("a health check needs no admin and tells nothing", async () => {
  const { url } = await installations.serve(full);
  const response = await fetch(`${url}healthz`);
  expect([response.status, await response.text()]).toEqual([200, '{"status":"ok"}']);
});
