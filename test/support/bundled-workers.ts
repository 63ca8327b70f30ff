import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Plugin, type Rolldown } from "vite";

const worker = /\/web\/worker\/bundle-worker\.ts\?worker&url$/;

/**
 * The page's Worker as it is shipped: bundled. Served module by module, each of the many Workers that tests start would ask for some
 * fifty files.
 */
export function bundledWorkers(): Plugin {
  const folders: string[] = [];
  return {
    name: "bundled-workers",
    enforce: "pre",
    async load(id) {
      if (!worker.test(id)) return;
      const outDir = await mkdtemp(join(tmpdir(), "holdall-workers-"));
      folders.push(outDir);
      const file = join(outDir, await bundle(id, outDir));
      return `export default new URL(${JSON.stringify(`/@fs${file}`)}, location.origin).href;`;
    },
    /** The server has been closed. */
    async closeBundle() {
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Gives the name of the Worker's file. */
async function bundle(id: string, outDir: string): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: "error",
    base: "./",
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "es2023", lib: { entry: id, formats: ["es"], fileName: "url" } },
  })) as Rolldown.RolldownOutput[];
  return built[0]!.output.find((file) => /bundle-worker.*\.js$/.test(file.fileName))!.fileName;
}
