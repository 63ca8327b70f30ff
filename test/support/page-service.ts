import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Service } from "./services.ts";

const root = join(import.meta.dirname, "..", "..");

/** The page as `npm run build` makes it, once for the run. A process of its own: under a test's NODE_ENV, Lit's development build would go in. */
export async function buildPage(): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), "holdall-page-"));
  const { VITEST: _, ...env } = process.env;
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const args = [vite, "build", "--logLevel", "error", "--outDir", folder, "--emptyOutDir"];
  await promisify(execFile)(process.execPath, args, { cwd: root, env: { ...env, NODE_ENV: "production" } });
  return { settings: { folder }, stop: () => rm(folder, { recursive: true, force: true }) };
}
