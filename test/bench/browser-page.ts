import { rmSync } from "node:fs";
import { mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { chromiumFlags, wholeChromiumPath } from "../support/chromium.ts";

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript" };

/** Nothing that is measured takes this long: whatever does hangs. */
const longest = 120_000;

let outDirBuilt: Promise<string> | undefined;

async function buildPage(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), "holdall-bench-page-"));
  process.once("exit", () => rmSync(outDir, { recursive: true, force: true }));
  const root = join(import.meta.dirname, "../web/bench");
  const built = { outDir, emptyOutDir: true, target: "es2023" };
  await build({ root, configFile: false, logLevel: "error", build: built, worker: { format: "es" } });
  return outDir;
}

/** The benchmark's page, built as the product's is, in a real browser. */
export class BenchPage {
  readonly #browser: BrowserContext;
  readonly #page: Page;
  readonly #stop: () => Promise<void>;

  private constructor(browser: BrowserContext, page: Page, stop: () => Promise<void>) {
    this.#browser = browser;
    this.#page = page;
    this.#stop = stop;
  }

  /** `exported` is a file that the page can fetch as an export. */
  static async open(exported?: string, flags: readonly string[] = []): Promise<BenchPage> {
    outDirBuilt ??= buildPage();
    const outDir = await outDirBuilt;
    const server = createServer(async (request, response) => {
      const { pathname } = new URL(request.url!, "http://localhost");
      if (pathname === "/export") {
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        await send(exported!, response);
        return;
      }
      const file = join(outDir, pathname === "/" ? "index.html" : pathname);
      const body = await readFile(file).catch(() => null);
      response.writeHead(body === null ? 404 : 200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
      response.end(body ?? "");
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    // A profile on disk as people have one: in a private window the browser keeps origin-private files in memory.
    const profile = await mkdtemp(join(tmpdir(), "holdall-bench-profile-"));
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: wholeChromiumPath,
      args: [...chromiumFlags, ...flags],
    });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await calm();
    return new BenchPage(browser, page, async () => {
      server.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 3 });
    });
  }

  async choose(path: string): Promise<void> {
    await this.#page.setInputFiles("#file", path);
  }

  async run<T extends Record<string, number>>(operation: string, ...args: unknown[]): Promise<T> {
    const call = ([name, values]: [string, unknown[]]) =>
      (globalThis as unknown as { operations: Record<string, (...values: unknown[]) => Promise<unknown>> }).operations[name]!(
        ...values,
      );
    const running = this.#page.evaluate(call, [operation, args] as [string, unknown[]]) as Promise<T>;
    running.catch(() => undefined); // what came of it is of no use once it took too long
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${operation} took more than ${longest / 1000} s`)), longest);
    });
    return Promise.race([running, late]).finally(() => clearTimeout(timer));
  }

  /** Runs an operation and watches the process of the page and its Workers meanwhile: bytes of its own memory, at most. */
  async watched<T extends Record<string, number>>(operation: string, ...args: unknown[]): Promise<T & { peakBytes: number }> {
    const before = await anonymousBytes();
    let peakBytes = before;
    const watch = setInterval(async () => {
      peakBytes = Math.max(peakBytes, await anonymousBytes());
    }, 50);
    const found = await this.run<T>(operation, ...args);
    clearInterval(watch);
    return { ...found, peakBytes };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#stop();
  }
}

/** By one buffer, since the server shares the machine's cores with what is measured. */
async function send(path: string, response: ServerResponse): Promise<void> {
  const file = await open(path);
  const buffer = Buffer.alloc(1 << 20);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) break;
      const failure = await new Promise((sent) => response.write(buffer.subarray(0, bytesRead), sent));
      if (failure instanceof Error) return;
    }
    response.end();
  } finally {
    await file.close();
  }
}

/** A browser that has just started is busy with itself for a while. */
async function calm(): Promise<void> {
  const tick = 200;
  for (let i = 0, before = await ticksUsed(); i < 50; i++) {
    await new Promise((resolve) => setTimeout(resolve, tick));
    const now = await ticksUsed();
    if (now - before <= 1) return;
    before = now;
  }
}

/** Hundredths of a second that the browser's processes have worked. */
async function ticksUsed(): Promise<number> {
  const stats = (await descendants(process.pid)).map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
  // +11 and +12 behind the name: the process's own and the system's for it.
  const fields = (await Promise.all(stats)).map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "));
  return fields.reduce((sum, of) => sum + Number(of[11] ?? 0) + Number(of[12] ?? 0), 0);
}

/** Of the largest renderer process among those that this process started: what it holds itself, not the program's own mapped pages. */
async function anonymousBytes(): Promise<number> {
  const sizes = (await descendants(process.pid)).map(async (pid) => {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!command.includes("--type=renderer")) return 0;
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    return Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  });
  return Math.max(0, ...(await Promise.all(sizes)));
}

async function descendants(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "utf8").catch(() => "")));
  const children = lists.flatMap((list) => list.trim().split(" ").filter(Boolean).map(Number));
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}
