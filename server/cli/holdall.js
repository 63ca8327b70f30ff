#!/usr/bin/env node
// The executable of package.json. Plain JavaScript that an old Node reads, too: one that cannot run TypeScript hands over to
// the Node that is pinned as a development dependency, or says what to do.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const pinned = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));

if (process.features.typescript) {
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
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: "inherit", env });
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
