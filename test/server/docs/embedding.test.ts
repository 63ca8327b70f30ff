import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { type TestDatabase, useDatabase } from "../../support/database.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const db = useDatabase();
const temporaryFolder = useTemporaryFolders();
const execute = promisify(execFile);

interface Block {
  language: string;
  /** What stands behind the language: a file's name, or what to do with a command. */
  info: string;
  text: string;
}

/** The application's own part, which the page leaves to its reader. */
const sessions = `export async function userOf(request: Request): Promise<{ email: string; role: string } | null> {
  const email = request.headers.get("x-user");
  return email === null ? null : { email, role: email === "ada@example.com" ? "admin" : "member" };
}
`;
const rows = `
  INSERT INTO users (id, email, password_hash, role) VALUES
    ('00000000-0000-4000-8000-000000000001', 'ada@example.com', 'hash-of-ada', 'admin'),
    ('00000000-0000-4000-8000-000000000002', 'bob@example.com', 'hash-of-bob', 'member');
  INSERT INTO notebooks (id, title, settings, share_token, owner_id) VALUES
    ('00000000-0000-4000-8000-000000000003', 'Travel', '{"webhook":"https://x/secret","color":"red"}', 'share-me', '00000000-0000-4000-8000-000000000002');
  INSERT INTO notes (id, notebook_id, body, draft) VALUES
    ('00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000003', 'Pack.', false),
    ('00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000003', 'Not yet.', true);
  INSERT INTO revisions (note_id, body) VALUES ('00000000-0000-4000-8000-000000000004', 'Pac');`;

let blocks: Block[];
let folder: string;
let database: TestDatabase;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  blocks = blocksOf(await readFile(join(root, "docs", "embedding.md"), "utf8"));
  folder = await temporaryFolder();
  database = await db.create();
  env = {
    PATH: `${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`,
    HOME: folder,
    HOLDALL_HOME: join(folder, "home"),
    DATABASE_URL: database.url,
    HOLDALL_BLOBS: `file:${join(folder, "blobs")}`,
  };
  await database.sql.unsafe(fileOf("schema.sql") + rows);
  await install();
  for (const { language, info, text } of blocks) {
    if (language === "ts" && info !== "" && info !== "holdall.config.ts") await writeFile(join(folder, info), text);
  }
  await writeFile(join(folder, "sessions.ts"), sessions);
  await writeFile(join(folder, "package.json"), '{"name":"notes","version":"2.4.0","type":"module","private":true}');
}, 300_000);

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map(([, language, info, text]) => ({
    language: language!,
    info: info!,
    text: text!,
  }));
}

function fileOf(name: string): string {
  return blocks.find(({ info }) => info === name)!.text;
}

/** The package as it would be published, below node_modules, beside what it depends on. */
async function install(): Promise<void> {
  await execute(process.execPath, ["server/package/build-package.ts"], { cwd: root, env });
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, ".bin"), { recursive: true });
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  await execute("tar", ["-xzf", join(root, "dist", `holdall-${version}.tgz`), "-C", modules]);
  await rename(join(modules, "package"), join(modules, "holdall"));
  await symlink(join(modules, "holdall", "server", "cli", "holdall.js"), join(modules, ".bin", "holdall"));
  for (const name of await readdir(join(root, "node_modules"))) {
    if (!name.startsWith(".")) await symlink(join(root, "node_modules", name), join(modules, name));
  }
}

async function shell(text: string): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await execute("bash", ["--norc", "-euo", "pipefail", "-c", text], { cwd: folder, env });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

describe("docs/embedding.md, from its first to its last command", () => {
  test("does what it says", async () => {
    const commands = blocks.filter(({ language, info }) => language === "sh" && /^run/.test(info));
    expect(commands.length).toBeGreaterThanOrEqual(6);
    for (const { info, text } of commands) {
      if (info.startsWith("run with "))
        await writeFile(join(folder, info.slice("run with ".length)), fileOf("holdall.config.ts"));
      const { code, output } = await shell(text);
      expect(code, `${text}\n${output}`).toBe(info === "run fails" ? 1 : 0);
      if (info === "run fails") expect(output).toContain("unconfirmed");
    }
    expect(existsSync(join(folder, "backup.zip")) && existsSync(join(folder, "notes.zip"))).toBe(true);
  }, 120_000);

  test("its guard finds a column that was forgotten", async () => {
    await database.sql`alter table notes add colour text`;
    const { code, output } = await shell("node --test backup.test.ts");
    await database.sql`alter table notes drop colour`;
    expect(code).toBe(1);
    expect(output).toContain("notes.colour is neither included nor excluded");
  });

  test("what it exports holds no secret and no draft", async () => {
    const { output } = await shell("npx holdall export --out - --format ndjson --quiet");
    expect(output).toContain("Pack.");
    for (const secret of ["hash-of-", "share-me", "x/secret", "Not yet."]) expect(output).not.toContain(secret);
  });

  test("its files are well typed", async () => {
    const options = {
      compilerOptions: {
        module: "nodenext",
        target: "es2023",
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        types: ["node"],
      },
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...options, include: ["*.ts"] }));
    expect(await shell("tsc -p .")).toEqual({ code: 0, output: "" });
  }, 60_000);

  test("its page is served", async () => {
    const { text } = blocks.find(({ info }) => info === "serve")!;
    await serving(text.replace("8080", "0").replace("npx holdall", "exec node_modules/.bin/holdall"), async (lines) => {
      const link = await firstMatch(lines, /http:\S+sign-in\S+/);
      const page = await fetch(link, { redirect: "manual" });
      const cookie = page.headers.get("set-cookie")!.split(";")[0]!;
      const origin = new URL(link).origin;
      expect(await (await fetch(origin, { headers: { cookie } })).text()).toContain("<script");
      const scope = await (await fetch(`${origin}/api/v1/admin/backup/scope`, { headers: { cookie } })).json();
      expect(scope).toMatchObject({ name: "notes" });
    });
  }, 60_000);

  test("its routes are for admins of the application", async () => {
    const port = await freePort();
    await writeFile(join(folder, "server.ts"), fileOf("server.ts").replace("3000", String(port)));
    await serving("exec node server.ts", async () => {
      const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${port}/admin/backup/scope`, { headers });
      await expect
        .poll(
          () =>
            ask({}).then(
              ({ status }) => status,
              () => 0,
            ),
          { timeout: 20_000 },
        )
        .toBe(401);
      expect((await ask({ "x-user": "bob@example.com" })).status).toBe(403);
      expect(await (await ask({ "x-user": "ada@example.com" })).json()).toMatchObject({ title: "Notes, production" });
    });
  }, 60_000);
});

async function firstMatch(lines: AsyncIterable<string>, pattern: RegExp): Promise<string> {
  for await (const line of lines) {
    const found = pattern.exec(line)?.[0];
    if (found !== undefined) return found;
  }
  throw new Error(`nothing was printed that looks like ${pattern}`);
}

async function serving(command: string, use: (lines: AsyncIterable<string>) => Promise<void>): Promise<void> {
  const child = spawn("bash", ["--norc", "-c", command], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    await use(createInterface(child.stdout!));
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer().on("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
