import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Measured, measure, printTable } from "./measure.ts";
import type { BenchArgs } from "./run.ts";

const holdall = fileURLToPath(new URL("../../server/cli/holdall.js", import.meta.url));
const goal = 200e6;
const steps = ["demo", "export", "export ndjson", "verify", "preview", "import"] as const;
type Step = (typeof steps)[number];

/**
 * Peak resident memory of each command's own process, at a tenth of the rows and at all of them, one of the objects being
 * 1 GB in both: what grows with the rows shows. Runs on the embedded PostgreSQL.
 */
export async function run({ json, assets = 1_000_000, files = 100 }: BenchArgs): Promise<void> {
  const sizes = [Math.round(assets / 10), assets];
  const results: Record<Step, Measured>[] = [];
  for (const size of sizes) results.push(await move(size, files));
  const cell = (measured: Measured) => `${(measured.peakBytes / 1e6).toFixed(0)} MB`;
  const growth = (step: Step) => results[1]![step].peakBytes / results[0]![step].peakBytes;
  console.log(`peak resident memory, ${files} files and one of 1 GB; goal: under ${goal / 1e6} MB`);
  printTable([
    ["", ...sizes.map((size) => `${size} assets`), "growth", "seconds"],
    ...steps.map((step) => [
      step,
      ...results.map((result) => cell(result[step])),
      growth(step).toFixed(2),
      results[1]![step].seconds.toFixed(1),
    ]),
  ]);
  if (!json) return;
  const figures = Object.fromEntries(steps.map((step) => [step, results.map((result) => result[step].peakBytes / 1e6)]));
  const ratios = Object.fromEntries(steps.map((step) => [step, growth(step)]));
  console.log(JSON.stringify({ bench: "memory", assets: sizes, files, goalMB: goal / 1e6, figures, ratios }));
}

async function move(assets: number, files: number): Promise<Record<Step, Measured>> {
  const home = await mkdtemp(join(tmpdir(), "holdall-bench-memory-"));
  const env = { HOLDALL_HOME: home };
  const [bundle, stream] = [join(home, "bundle.zip"), join(home, "bundle.ndjson")];
  const source = ["--database", "embedded:source"];
  const target = ["--database", "embedded:target"];
  const holdallRun = (...args: string[]) => measure(holdall, [...args, "--quiet"], env);
  try {
    const demo = await holdallRun("demo", ...source, "--assets", String(assets), "--files", String(files), "--large-file", "1G");
    await holdallRun("demo", ...target, "--empty", "--admin", "importer@target.example");
    return {
      demo,
      export: await holdallRun("export", ...source, "--out", bundle),
      "export ndjson": await holdallRun("export", ...source, "--out", stream, "--format", "ndjson"),
      verify: await holdallRun("verify", bundle),
      preview: await holdallRun("preview", bundle, ...target),
      import: await holdallRun(
        "import",
        bundle,
        ...target,
        "--mode",
        "skip_existing",
        "--as",
        "importer@target.example",
        "--yes",
      ),
    };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
