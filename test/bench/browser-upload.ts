import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { FolderUploads } from "../../server/uploads/folder-uploads.ts";
import { Uploads } from "../../server/uploads/uploads.ts";

const MiB = 1024 ** 2;
const root = join(import.meta.dirname, "..", "..");

export interface UploadFigures {
  /** Of the file. */
  bytes: number;
  /** MB/s, medians. */
  put: number;
  tus: number;
  /** tus to put. */
  ratio: number;
}

/**
 * Uploads one file of the disk from Chromium to this machine, in turn by one plain `fetch` PUT that the server writes to a
 * file, and by the page's own client to the server's own tus route.
 */
export async function measureUpload({ bytes = 512 * MiB, runs = 3 } = {}): Promise<UploadFigures> {
  const folder = await mkdtemp(join(tmpdir(), "holdall-upload-bench-"));
  try {
    const path = await makeFile(join(folder, "bundle.zip"), bytes);
    await buildClient(join(folder, "web"));
    const server = await serve(folder);
    const executablePath = process.env["HOLDALL_TEST_CHROMIUM"] || "/usr/bin/chromium";
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
    try {
      return await measure(browser, server.url, path, bytes, runs);
    } finally {
      await browser.close();
      await server.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(browser: Browser, url: string, path: string, bytes: number, runs: number): Promise<UploadFigures> {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  await page.locator("#file").setInputFiles(path);
  const rates: Record<"put" | "tus", number[]> = { put: [], tus: [] };
  for (let run = 0; run <= runs; run++) {
    for (const way of ["put", "tus"] as const) {
      const rate = bytes / 1e6 / (await seconds(page, way));
      // The first round warms up.
      if (run > 0) rates[way].push(rate);
    }
  }
  const [put, tus] = [median(rates.put), median(rates.tus)];
  return { bytes, put, tus, ratio: tus / put };
}

async function seconds(page: Page, way: "put" | "tus"): Promise<number> {
  await page.locator(`#${way}`).click();
  const done = page.locator("#done:not(:empty)");
  await done.waitFor();
  return Number(await done.textContent());
}

const html = `<!doctype html><title>Upload</title><input type="file" id="file"><button id="put">put</button><button id="tus">tus</button>
<output id="done"></output><script type="module" src="./client.js"></script>`;

async function serve(folder: string) {
  const uploads = new Uploads(new FolderUploads(join(folder, "uploads")), Number.MAX_SAFE_INTEGER);
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get("/", (c) => c.html(html));
  app.get("/:name{.+\\.js}", async (c) => {
    const script = await readFile(join(folder, "web", c.req.param("name")));
    return c.body(script, 200, { "Content-Type": "text/javascript" });
  });
  app.get("/favicon.ico", (c) => c.body(null, 204));
  app.put("/plain", async (c) => {
    // As directly as Node can: no web stream in between.
    await pipeline(c.env.incoming, createWriteStream(join(folder, "plain")));
    return c.text("kept");
  });
  app.on(["OPTIONS", "POST"], "/uploads", (c) => uploads.handle(c.req.raw, undefined, "bench"));
  app.on(["PATCH", "DELETE"], "/uploads/:id", (c) => uploads.handle(c.req.raw, c.req.param("id"), "bench"));
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
    },
  };
}

async function makeFile(path: string, bytes: number): Promise<string> {
  const file = await open(path, "w");
  const block = randomBytes(MiB);
  for (let at = 0; at < bytes; at += MiB) await file.write(block, 0, Math.min(MiB, bytes - at), at);
  await file.close();
  return path;
}

/** The page's own client, `web/upload.ts`, as the page has it. */
async function buildClient(outDir: string): Promise<void> {
  await build({
    root,
    configFile: false,
    logLevel: "error",
    base: "./",
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      lib: { entry: join(root, "test", "bench", "browser-upload-client.js"), formats: ["es"], fileName: () => "client.js" },
    },
  });
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}
