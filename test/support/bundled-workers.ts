import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Plugin, type Rolldown } from "vite";

const worker = /\/web\/worker\/bundle-worker\.ts\?worker&url$/;

/**
 * The page's Worker as it is shipped: bundled. Served module by module, each of the many Workers that tests start would ask for some
 * fifty files.
 */
export function bundledWorkers(): Plugin {
  return {
    name: "bundled-workers",
    enforce: "pre",
    async load(id) {
      if (!worker.test(id)) return;
      const file = await bundle(id);
      return `export default new URL(${JSON.stringify(`/@fs${file}`)}, location.origin).href;`;
    },
  };
}

async function bundle(id: string): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), "holdall-workers-"));
  const built = (await build({
    configFile: false,
    logLevel: "error",
    base: "./",
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "es2023", lib: { entry: id, formats: ["es"], fileName: "url" } },
  })) as Rolldown.RolldownOutput[];
  const { fileName } = built[0]!.output.find((file) => /bundle-worker.*\.js$/.test(file.fileName))!;
  return join(outDir, fileName);
}
