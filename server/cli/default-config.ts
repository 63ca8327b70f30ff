import { existsSync } from "node:fs";

/** Looked for in the current folder where neither a file nor a shipped scope is named. */
const names = ["holdall.config.ts", "holdall.config.js", "holdall.config.mjs"];

export function defaultConfig(): string | undefined {
  return names.find((name) => existsSync(name));
}
