#!/usr/bin/env -S node --max-semi-space-size=2
// The executable of package.json. Plain JavaScript that an old Node reads, too: one that cannot run TypeScript hands over to
// the Node that is pinned as a development dependency, or says what to do.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

/** As in the first line: the less garbage V8 lets lie in its young generation, the fewer dropped buffers wait beside it. */
const young = "--max-semi-space-size=2";
const launcher = fileURLToPath(import.meta.url);
const pinned = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));

if (process.features.typescript) {
  // Compiled code is kept: the next start is quicker, and the type stripper stays out of memory (some 30 MB).
  module.enableCompileCache?.();
  await import("./main.ts");
} else if (existsSync(pinned) && process.env.HOLDALL_HANDED_OVER !== "1") {
  handOver();
} else {
  console.error(`holdall: needs Node 22.18 or later, and this is ${process.version}.`);
  console.error(`holdall: install a newer Node, or run \`npm ci\` in ${fileURLToPath(new URL("../..", import.meta.url))}`);
  process.exitCode = 3;
}

function handOver() {
  // A pinned Node that is no better would hand over for ever.
  const env = { ...process.env, HOLDALL_HANDED_OVER: "1" };
  const child = spawn(pinned, [young, launcher, ...process.argv.slice(2)], { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`holdall: ${pinned} does not start: ${error.message}`);
    process.exitCode = 3;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
