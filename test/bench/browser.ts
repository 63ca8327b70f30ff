import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchPage } from "./browser-page.ts";
import { hollowBundle, setBundle } from "./browser-sets.ts";
import { measureUpload } from "./browser-upload.ts";
import { measure, median, printTable } from "./measure.ts";
import type { BenchArgs } from "./run.ts";

interface Figure {
  what: string;
  /** MB/s, milliseconds or MB. */
  value: number;
  unit: "MB/s" | "ms" | "MB";
}

interface Ratio {
  what: string;
  ratio: number;
  goal: number;
  met: boolean;
}

const sections = ["verify", "small", "pack", "sight", "rows", "upload", "memory"] as const;

/**
 * `npm run bench -- browser [verify small pack sight rows upload memory] [--runs N]`: the Worker in Chromium beside native unzip and zip.js in the same
 * browser, on the same files; medians of N runs. Set D: 200 MB of rows and 2,000 blobs, 700 MB. Peers that take minutes read a part.
 */
export async function run({ json, runs = 3, rest }: BenchArgs): Promise<void> {
  const chosen = sections.filter((section) => rest.length === 0 || rest.includes(section));
  const root = join(tmpdir(), "holdall-bench-zip");
  await mkdir(root, { recursive: true });
  const bench = new BrowserBench(root, runs);
  for (const section of chosen) {
    if (!json) console.error(`${section} …`);
    // One that hangs or fails leaves the others their figures.
    await bench[section]().catch((error: Error) => bench.failures.push(`${section}: ${error.message}`));
  }
  const { figures, ratios, failures } = bench;
  if (json) console.log(JSON.stringify({ bench: "browser", figures, ratios, failures }));
  else print(figures, ratios);
  for (const failure of failures) console.error(`no figure for ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

class BrowserBench {
  readonly figures: Figure[] = [];
  readonly ratios: Ratio[] = [];
  /** What gave no figure, and why. */
  readonly failures: string[] = [];
  readonly #root: string;
  readonly #runs: number;

  constructor(root: string, runs: number) {
    this.#root = root;
    this.#runs = runs;
  }

  async verify(): Promise<void> {
    const file = await setBundle(this.#root, ["D"], "zip");
    const { bytes, ours } = await this.#verified(file, "verify D");
    const seconds = await this.#median(async () => (await measure("unzip", ["-tqq", file])).seconds);
    const unzip = this.#speed("verify D, unzip -tqq", bytes, seconds);
    const zipJs = await this.#zipJs(file, "verify D, zip.js (300 of 2,014 entries)", "zipJsVerify", 300);
    this.#ratio("verify D: times unzip -tqq", ours / unzip, 1);
    this.#ratio("verify D: times zip.js", ours / zipJs, 4);
  }

  async small(): Promise<void> {
    const file = await setBundle(this.#root, ["B"], "zip");
    const { ours } = await this.#verified(file, "verify 20,000 small files");
    const zipJs = await this.#zipJs(file, "verify small files, zip.js (1,000)", "zipJsVerify", 1000);
    this.#ratio("verify small files: times zip.js", ours / zipJs, 20);
  }

  async upload(): Promise<void> {
    const { put, tus, ratio } = await measureUpload({ runs: this.#runs });
    this.figures.push({ what: "upload 512 MB, one fetch PUT", value: put, unit: "MB/s" });
    this.figures.push({ what: "upload 512 MB, tus", value: tus, unit: "MB/s" });
    this.#ratio("upload: tus to one PUT", ratio, 0.6);
  }

  async pack(): Promise<void> {
    const stream = await setBundle(this.#root, ["D"], "ndjson");
    const file = await setBundle(this.#root, ["D"], "zip");
    const bytes = await inPage(stream, async (page) => {
      await page.choose(file);
      return (await page.run<{ bytes: number }>("verify")).bytes;
    });
    const seconds = await this.#median(() =>
      inPage(stream, async (page) => (await page.run<{ seconds: number }>("pack", "/export")).seconds),
    );
    const ours = this.#speed("pack D", bytes, seconds);
    const zipJs = await this.#zipJs(file, "pack D, zip.js (300 of 2,014 entries)", "zipJsPack", 300);
    this.#ratio("pack D: times zip.js", ours / zipJs, 2);
  }

  async sight(): Promise<void> {
    const file = await hollowBundle(this.#root);
    const seconds = await this.#median(() =>
      inPage(undefined, async (page) => {
        await page.choose(file);
        return (await page.run<{ seconds: number }>("open")).seconds;
      }),
    );
    this.#time("first sight of 10 GB, 100,000 entries", seconds, 1000);
  }

  async rows(): Promise<void> {
    const file = await setBundle(this.#root, ["A"], "zip");
    const found = await inPage(undefined, async (page) => {
      await page.choose(file);
      return page.run<{ seconds: number; indexSeconds: number; total: number }>("rows", "table", 500_000);
    });
    this.figures.push({ what: `finding all ${found.total} rows`, value: found.indexSeconds * 1000, unit: "ms" });
    this.#time("opening row 500,000 once indexed", found.seconds, 200);
    const checked = await inPage(undefined, async (page) => {
      await page.choose(file);
      return page.run<{ seconds: number }>("rowsAfterVerify", "table", 500_000);
    });
    this.figures.push({ what: "opening row 500,000 first thing after the check", value: checked.seconds * 1000, unit: "ms" });
  }

  /** 2 GB: a table of 450 MB, 1 GB in 40 files, D. */
  async memory(): Promise<void> {
    const file = await setBundle(this.#root, ["A", "C", "D"], "zip");
    const stream = await setBundle(this.#root, ["A", "C", "D"], "ndjson");
    const steps: [string, ...unknown[]][] = [["verify"], ["rows", "table", 500_000], ["thin"], ["pack", "/export"]];
    for (const [operation, ...args] of steps) {
      const found = await inPage(stream, async (page) => {
        await page.choose(file);
        const { peakBytes } = await page.watched(operation, ...args);
        return { peakBytes, ...(await page.run<{ milliseconds: number }>("longestTask")) };
      });
      this.figures.push({ what: `${operation} 2 GB: memory`, value: found.peakBytes / 1e6, unit: "MB" });
      this.#atMost(`${operation} 2 GB: MB of memory`, found.peakBytes / 1e6, 200);
      this.#atMost(`${operation} 2 GB: longest task of the page, ms`, found.milliseconds, 50);
    }
  }

  async #verified(file: string, what: string): Promise<{ bytes: number; ours: number }> {
    let bytes = 0;
    const seconds = await this.#median(() =>
      inPage(undefined, async (page) => {
        await page.choose(file);
        const found = await page.run<{ seconds: number; bytes: number }>("verify");
        bytes = found.bytes;
        return found.seconds;
      }),
    );
    return { bytes, ours: this.#speed(what, bytes, seconds) };
  }

  async #zipJs(file: string, what: string, operation: string, limit: number): Promise<number> {
    const { seconds, bytes } = await inPage(undefined, async (page) => {
      await page.choose(file);
      return page.run<{ seconds: number; bytes: number }>(operation, limit);
    });
    return this.#speed(what, bytes, seconds);
  }

  async #median(once: () => Promise<number>): Promise<number> {
    const seconds: number[] = [];
    for (let i = 0; i < this.#runs; i++) seconds.push(await once());
    return median(seconds);
  }

  #speed(what: string, bytes: number, seconds: number): number {
    const value = bytes / 1e6 / seconds;
    this.figures.push({ what, value, unit: "MB/s" });
    return value;
  }

  #time(what: string, seconds: number, most: number): void {
    this.figures.push({ what, value: seconds * 1000, unit: "ms" });
    this.#atMost(`${what}, ms`, seconds * 1000, most);
  }

  #ratio(what: string, ratio: number, goal: number): void {
    this.ratios.push({ what, ratio, goal, met: ratio >= goal });
  }

  #atMost(what: string, ratio: number, goal: number): void {
    this.ratios.push({ what, ratio, goal, met: ratio <= goal });
  }
}

/** A browser of its own for each measurement, so that none inherits the memory of another. */
async function inPage<T>(exported: string | undefined, work: (page: BenchPage) => Promise<T>): Promise<T> {
  const page = await BenchPage.open(exported);
  try {
    return await work(page);
  } finally {
    await page.close();
  }
}

function print(figures: readonly Figure[], ratios: readonly Ratio[]): void {
  printTable([["", "value", "unit"], ...figures.map(({ what, value, unit }) => [what, value.toFixed(1), unit])]);
  console.log();
  const met = (ratio: Ratio) => (ratio.met ? "met" : "MISSED");
  printTable([
    ["goal", "found", "asked", ""],
    ...ratios.map((ratio) => [ratio.what, ratio.ratio.toFixed(2), String(ratio.goal), met(ratio)]),
  ]);
}
