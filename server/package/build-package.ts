import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Builds `dist/package` and `dist/holdall-VERSION.tgz`: what an application installs. Node runs no TypeScript below
 * `node_modules`, so the package holds JavaScript and type declarations, in the folders of the checkout, beside the built page.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const target = join(root, "dist", "package");

const run = (program: string, ...args: string[]) =>
  execFileSync(join(root, "node_modules", ".bin", program), args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });

async function build(): Promise<void> {
  await rm(target, { recursive: true, force: true });
  run("tsc", "-p", "tsconfig.package.json");
  run("vite", "build", "--logLevel", "error", "--outDir", join(target, "dist", "web"));
  for (const name of ["README.md", "LICENSE", "docs"]) await cp(join(root, name), join(target, name), { recursive: true });
  await copyOthers("server");
  await writeFile(join(target, "package.json"), `${JSON.stringify(await manifest(), null, 2)}\n`);
  execFileSync("npm", ["pack", target, "--pack-destination", join(root, "dist"), "--silent"], { cwd: root, stdio: "inherit" });
}

/** What the compiler leaves: SQL, and the plain JavaScript by which Node enters, which then loads JavaScript. */
async function copyOthers(folder: string): Promise<void> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await copyOthers(path);
    else if (!entry.name.endsWith(".ts")) {
      const text = await readFile(join(root, path), "utf8");
      await mkdir(dirname(join(target, path)), { recursive: true });
      const code = entry.name.endsWith(".js") ? text.replaceAll(/(import\("\.\/[\w-]+)\.ts"/g, '$1.js"') : text;
      await writeFile(join(target, path), code, { mode: 0o755 });
    }
  }
}

async function manifest(): Promise<object> {
  const { name, version, description, license, type, engines, bin, exports, dependencies } = JSON.parse(
    await readFile(join(root, "package.json"), "utf8"),
  ) as { exports: Record<string, string>; [key: string]: unknown };
  const compiled = Object.entries(exports).map(([key, path]) => {
    const stem = path.replace(/\.ts$/, "");
    return [key, { types: `${stem}.d.ts`, default: `${stem}.js` }];
  });
  return { name, version, description, license, type, engines, bin, exports: Object.fromEntries(compiled), dependencies };
}

await build();
