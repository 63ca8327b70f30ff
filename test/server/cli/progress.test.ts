import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bytes, duration, parseBytes } from "../../../server/cli/numbers.ts";
import { progressLine, Rate } from "../../../server/cli/progress-line.ts";
import { useDatabase } from "../../support/database.ts";
import { useTemporaryFolders } from "../../support/temporary.ts";
import { launcher, run } from "./command-line.ts";

describe("the line", () => {
  const state = { phase: "verify", item: "assets", rows: 1234567, bytes: 45_000_000, fraction: 0.25 };

  test("has phase, table, share, rows, bytes, speed and what is left", () => {
    const rate = new Rate();
    const began = performance.now();
    for (let second = 0; second <= 3; second++) rate.add(began + second * 1000, second * 15_000_000);
    expect(progressLine(state, rate, began + 3000, 200)).toBe(
      "verify  assets  [=====>              ] 25 %  1,234,567 rows  45.0 MB  15.0 MB/s  9 s left",
    );
  });

  test("is never wider than the terminal, and harmless", () => {
    for (let width = 0; width < 120; width++) {
      const line = progressLine({ ...state, item: `\x1b[2J${"x".repeat(width)}` }, new Rate(), performance.now(), width);
      expect(line.length).toBeLessThanOrEqual(width);
      expect(line).not.toContain("\x1b");
    }
  });
});

describe("numbers", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [123_456_789, "123 MB"],
    [5e12, "5.0 TB"],
  ])("%d bytes are %s", (value, text) => expect(bytes(value)).toBe(text));

  test.each([
    [400, "0 s"],
    [59_000, "59 s"],
    [61_000, "1 min 1 s"],
    [3_660_000, "1 h 1 min"],
  ])("%d ms are %s", (value, text) => expect(duration(value)).toBe(text));

  test.each([
    ["300M", 300e6],
    ["2GiB", 2 * 1024 ** 3],
    ["1.5k", 1500],
    ["17", 17],
    ["", undefined],
    ["-1", undefined],
    ["9999999T", undefined],
  ])("%j is %s", (text, value) => expect(parseBytes(text)).toBe(value));
});

const hasPty = spawnSync("python3", ["-c", "import pty"]).status === 0;

/** Runs the command on a pseudo terminal of 60 columns and answers its question. */
const onTerminal = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
asked = False
seen = b""
while True:
    try:
        chunk = os.read(fd, 65536)
    except OSError:
        break
    if not chunk:
        break
    seen += chunk
    if not asked and b"[y/N]" in seen:
        asked = True
        os.write(fd, sys.argv[1].encode() + b"\\n")
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe.skipIf(!hasPty)("on a terminal (needs python3)", () => {
  const databases = useDatabase();
  const temporaryFolder = useTemporaryFolders();
  let cwd: string;
  let env: Record<string, string>;

  async function terminal(answer: string, ...args: string[]) {
    const child = spawn("python3", ["-c", onTerminal, answer, process.execPath, launcher, ...args], {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", HOLDALL_HOME: join(cwd, "home"), ...env },
    });
    const parts: Buffer[] = [];
    child.stdout.on("data", (chunk) => parts.push(chunk));
    const [code] = (await once(child, "close")) as [number];
    return { code, text: Buffer.concat(parts).toString() };
  }

  /** What is left on the screen once every line that was wiped has gone. */
  function screen(text: string): string[] {
    return text.split("\r\n").map((line) =>
      line
        .split("\r")
        .at(-1)!
        .replace(/\x1b\[[\d;]*[mK]/g, ""),
    );
  }

  async function installation(name: string, ...args: string[]): Promise<Record<string, string>> {
    const { url } = await databases.create();
    const own = { DATABASE_URL: url, HOLDALL_BLOBS: `file:${join(cwd, name)}` };
    expect(await run({ args: ["demo", ...args], cwd, env: own })).toMatchObject({ code: 0 });
    return own;
  }

  beforeAll(async () => {
    cwd = await temporaryFolder();
    env = await installation("a", "--assets", "4000", "--files", "20");
  });

  test("shows progress that fits and is gone at the end; --quiet shows none", async () => {
    const { code, text } = await terminal("", "export", "--out", "a.zip");
    expect(code).toBe(0);
    expect(text).toMatch(/\rexport tables {2}\w+ {2} *\d+ %/);
    for (const drawn of text.split(/\r|\n/)) expect(drawn.replace(/\x1b\[[\d;]*[mK]/g, "").length).toBeLessThanOrEqual(100);
    for (const drawn of text.matchAll(/\r([^\r\n\x1b]+)\x1b\[K/g)) expect(drawn[1]!.length).toBeLessThan(60);
    expect(screen(text)).toEqual([expect.stringMatching(/^exported {2}a\.zip: /), ""]);
    expect(text).toContain("\x1b[32mexported\x1b[39m");
    const quiet = await terminal("", "export", "--out", "b.zip", "--quiet", "--no-color");
    expect(quiet.text).toMatch(/^exported {2}b\.zip: .*\r\n$/);
  });

  test("refuses to print a bundle on it", async () => {
    const { code, text } = await terminal("", "export", "--out", "-");
    expect({ code, text }).toEqual({ code: 2, text: expect.stringContaining("pipe it or name a FILE") });
  });

  test("asks before an import; no is no, and yes applies the plan that was shown", async () => {
    env = await installation("b", "--empty", "--admin", "ops@example.com");
    const args = ["import", "a.zip", "--mode", "merge", "--as", "ops@example.com"];
    const declined = await terminal("no", ...args);
    expect(declined).toMatchObject({ code: 1, text: expect.stringContaining("nothing was changed") });
    const agreed = await terminal("y", ...args);
    expect(agreed.code).toBe(0);
    expect(screen(agreed.text).at(-2)).toMatch(/^imported {2}a\.zip into /);
  });
});
