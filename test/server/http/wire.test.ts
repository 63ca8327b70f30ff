import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { easm } from "../../../server/scopes/easm/scope.ts";
import {
  apiOf,
  expectNoUploads,
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
let api: string;
let folder: string;

beforeAll(async () => {
  full = await installations.demo({ assets: 1500, files: 20 });
  const scope = withHeldRows(withHeldRows(easm, "exposure_changes"), "organizations");
  api = apiOf(await installations.serve(full, { scope }));
  folder = await installations.temporaryFolder();
});

const startedExport = async (name: string) => {
  const release = await holdRows(full, "exposure_changes");
  const path = join(folder, name);
  const curl = shell(`curl -N -X POST -H 'Accept: application/x-ndjson' ${api}/export -o ${path}`);
  const pid = await waitingBackend(full);
  await until("bytes at the client", async () => (await stat(path).catch(() => null))?.size);
  return { release, curl, pid, path };
};

const isAlive = async (pid: number) => {
  const rows = await full.db.sql`select 1 from pg_stat_activity where pid = ${pid}`;
  return rows.length > 0;
};

describe("export", () => {
  test("a client that is killed ends the query in PostgreSQL", async () => {
    const { release, curl, pid } = await startedExport("killed.ndjson");
    expect(await isAlive(pid)).toBe(true);
    curl.kill();
    await until("the end of the query", async () => !(await isAlive(pid)));
    await release();
  });

  test("a failure after the first byte gives curl an error, never a complete-looking file", async () => {
    const { release, curl, pid, path } = await startedExport("broken.ndjson");
    await full.db.sql`select pg_terminate_backend(${pid})`;
    const { code, stderr } = await curl.ended;
    await release();
    // 18: transfer closed with outstanding data; 56: connection reset.
    expect([18, 56], stderr).toContain(code);
    const received = await readFile(path, "utf8");
    expect(received.length).toBeGreaterThan(1000);
    expect(received).toMatch(/\n\{"\$error":\{"code":"IO_DATABASE"[^\n]+\}\n$/);
    expect(received).not.toMatch(/\$done/);
  });

  test("a failure before the first byte is a problem with its status", async () => {
    const release = await holdRows(full, "organizations");
    const curl = shell(`curl -X POST ${api}/export -w '%{http_code} %{content_type}' -o ${folder}/problem.json`);
    const pid = await waitingBackend(full);
    await full.db.sql`select pg_terminate_backend(${pid})`;
    expect((await curl.ended).stdout).toBe("503 application/problem+json");
    await release();
    expect(JSON.parse(await readFile(`${folder}/problem.json`, "utf8"))).toMatchObject({ code: "IO_DATABASE" });
  });
});

test("a row that PostgreSQL refuses ends its export alone, not the server", async () => {
  const where = "1 / (length(slug) - length(slug)) = 1";
  const organizations = { ...easm.tables["organizations"]!, where };
  const server = await installations.serve(full, {
    scope: { ...easm, tables: { ...easm.tables, organizations } },
    log: () => {},
  });
  const { stdout } = await shell(
    `curl -X POST ${apiOf(server)}/export; curl -o /dev/null -w ' %{http_code}' ${server.url}healthz`,
  ).ended;
  expect(stdout).toMatch(/"IO_DATABASE".*division by zero.* 200$/);
});

describe("moving an installation with curl", () => {
  test("export to a file, preview it and import it as a form", async () => {
    const target = await installations.empty();
    const b = apiOf(await installations.serve(target));
    const file = join(folder, "backup.zip");
    const { code, stdout, stderr } = await shell(`
      curl -f -X POST -H 'Content-Type: application/json' -d '{"include_scan_history":false}' ${api}/export -o ${file} &&
      curl -f -F file=@${file} -F mode=skip_existing ${b}/import/preview > ${folder}/preview.json &&
      digest=$(node -p 'JSON.parse(fs.readFileSync("${folder}/preview.json")).plan.digest') &&
      curl -f -F mode=skip_existing -F plan_digest=$digest -F file=@${file} ${b}/import`).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ plan: { mode: "skip_existing" }, failed_blobs: [] });
    expect(await target.db.sql`select count(*)::int as n from assets`).toMatchObject([{ n: 1500 }]);
    await expectNoUploads(target);
  });

  test("from one to the other through a pipe, without a file in between", async () => {
    const target = await installations.empty();
    const b = apiOf(await installations.serve(target));
    const { code, stdout, stderr } = await shell(`
      curl -f -N -X POST -H 'Accept: application/x-ndjson' ${api}/export |
      curl -f -X POST -H 'Accept: application/x-ndjson' -T - '${b}/import?mode=merge'`).ended;
    expect(code, stderr).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(JSON.parse(lines[0]!)).toHaveProperty("progress");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ result: { plan: { mode: "merge" } } });
    const counts = (installation: TestInstallation) => installation.db.sql`select (select count(*) from assets) as assets,
      (select count(*) from files) as files, (select count(*) from scans) as scans`;
    expect([...(await counts(target))]).toEqual([...(await counts(full))]);
    await expectNoUploads(target);
  });

  test("an export that breaks in the pipe imports nothing", async () => {
    const target = await installations.empty();
    const b = apiOf(await installations.serve(target));
    const release = await holdRows(full, "exposure_changes");
    const moving = shell(`
      curl -f -N -X POST -H 'Accept: application/x-ndjson' ${api}/export | curl -X POST -T - '${b}/import?mode=merge'`);
    const pid = await waitingBackend(full);
    await until("the upload", async () => (await readdir(target.uploads.folder).catch(() => [])).length > 0);
    await full.db.sql`select pg_terminate_backend(${pid})`;
    const { code, stdout } = await moving.ended;
    await release();
    expect(code).not.toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ code: "STREAM_FAILED", status: 422 });
    expect(await target.db.sql`select count(*)::int as n from organizations`).toMatchObject([{ n: 0 }]);
    await expectNoUploads(target);
  });

  test("a second import at once is refused, also where another process runs the first", async () => {
    const target = await installations.empty();
    const b = apiOf(await installations.serve(target));
    const other = apiOf(await installations.serve(target));
    const file = join(folder, "for-two.zip");
    await shell(`curl -f -X POST ${api}/export -o ${file}`).ended;
    const release = await holdTable(target, "assets");
    const first = shell(`curl -f -F mode=merge -F file=@${file} ${b}/import`);
    await waitingBackend(target);
    for (const second of [b, other]) {
      const { stdout } = await shell(`curl -F mode=merge -F file=@${file} ${second}/import -w '\\n%{http_code}'`).ended;
      expect(stdout).toMatch(/"IMPORT_LOCKED"[\s\S]*\n409$/);
    }
    await release();
    const { code, stderr } = await first.ended;
    expect(code, stderr).toBe(0);
    await expectNoUploads(target);
  });
});

describe("uploads", () => {
  const limited = async (maxBytes: number) => {
    const target = await installations.empty();
    target.uploads.maxBytes = maxBytes;
    return { target, b: apiOf(await installations.serve(target)) };
  };

  /** Sends a request that never ends, and gives what is answered all the same. */
  const answerTo = (url: string, headers: Record<string, string | number>, ...chunks: (string | Buffer)[]) =>
    new Promise<{ status: number | undefined; body: string }>((done, fail) => {
      const options = { method: "POST", headers: { Authorization: `Bearer ${token}`, ...headers } };
      const sending = request(url, options, async (response) => {
        let body = "";
        for await (const chunk of response) body += chunk;
        done({ status: response.statusCode, body });
        sending.destroy();
      });
      sending.on("error", fail);
      sending.flushHeaders();
      for (const chunk of chunks) sending.write(chunk);
    });
  const zip = { "Content-Type": "application/zip" };
  const form = { "Content-Type": "multipart/form-data; boundary=b" };
  const tooLarge = { status: 413, body: expect.stringContaining('"LIMIT_ARCHIVE_BYTES"') };

  test("that say beforehand that they are too large are refused before they arrive", async () => {
    const { target, b } = await limited(1_000_000);
    expect(await answerTo(`${b}/import?mode=merge`, { ...zip, "Content-Length": 1_000_001 })).toEqual(tooLarge);
    expect(await answerTo(`${b}/import?mode=merge`, { ...form, "Content-Length": 1_600_000 })).toEqual(tooLarge);
    expect(await readdir(target.uploads.folder).catch(() => [])).toEqual([]);
  });

  test("that turn out too large are refused while they arrive", async () => {
    const { target, b } = await limited(1_000_000);
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n';
    expect(await answerTo(`${b}/import?mode=merge`, zip, Buffer.alloc(1_500_000))).toEqual(tooLarge);
    expect(await answerTo(`${b}/import?mode=merge`, form, head, Buffer.alloc(1_500_000))).toEqual(tooLarge);
    await expectNoUploads(target);
  });

  test("that are too large tell curl so, whether it says the size beforehand or not", async () => {
    const { target, b } = await limited(1_000_000);
    const file = join(folder, "large.bin");
    await writeFile(file, randomBytes(30_000_000));
    for (const how of [`-F file=@${file}`, `-X POST -T ${file}`, "-X POST -T -", "-H 'Transfer-Encoding: chunked' -F file=@-"]) {
      const { stdout } = await shell(`cat ${file} | curl ${how} '${b}/import?mode=merge' -w '\\n%{http_code}'`).ended;
      expect(stdout, how).toMatch(/"LIMIT_ARCHIVE_BYTES"[\s\S]*\n413$/);
      await expectNoUploads(target);
    }
  });

  test("of exactly the limit are not too large", async () => {
    const { target, b } = await limited(1_000_000);
    const file = join(folder, "exact.bin");
    await writeFile(file, Buffer.alloc(1_000_000, 0x7b));
    for (const how of [`-F file=@${file}`, `-H 'Content-Type: application/zip' --data-binary @${file}`]) {
      const { stdout } = await shell(`curl ${how} ${b}/import/preview -w '\\n%{http_code}'`).ended;
      expect(stdout, how).not.toMatch(/LIMIT_ARCHIVE_BYTES/);
      expect(stdout).toMatch(/\n422$/);
    }
    await expectNoUploads(target);
  });

  test("that break off leave nothing behind", async () => {
    const { target, b } = await limited(50_000_000);
    const curl = shell(`(head -c 2000000 /dev/urandom; sleep 60) | curl -X POST -T - '${b}/import?mode=merge'`);
    await until("the upload", async () => (await readdir(target.uploads.folder).catch(() => [])).length > 0);
    curl.kill();
    await until("the spool to be empty", async () => (await readdir(target.uploads.folder)).length === 0);
  });

  test.each([
    ["no file", "-F mode=merge", "no file"],
    ["a file of another name", "-F upload=@/etc/hostname", "upload"],
    ["two files", "-F file=@/etc/hostname -F file=@/etc/hostname", "more than one file"],
    ["a text in place of the file", "-F file=text", "as a file"],
    ["a mode that is there twice", "-F mode=merge -F mode=merge -F file=@/etc/hostname", "twice"],
    ["a form without a boundary", "-H 'Content-Type: multipart/form-data' -d x", "cannot be read"],
    ["a form that ends early", "-H 'Content-Type: multipart/form-data; boundary=b' -d '--b'", "ended early"],
    ["another type", "-d x", "application/zip"],
  ])("with %s are refused", async (_name, how, said) => {
    const { stdout } = await shell(`curl ${how} '${api}/import?mode=merge' -w '\\n%{http_code}'`).ended;
    expect(stdout).toContain(said);
    expect(stdout).toMatch(/"REQUEST_INVALID"[\s\S]*\n400$/);
    await expectNoUploads(full);
  });

  test("of strangers are refused before they arrive", async () => {
    const headers = { Authorization: "Bearer of-nothing-at-all", "Content-Length": 1e9 };
    expect(await answerTo(`${api}/import`, headers, randomBytes(1000))).toMatchObject({ status: 401 });
  });
});
