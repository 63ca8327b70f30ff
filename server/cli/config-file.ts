import { existsSync } from "node:fs";
import module from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { defineScope, type Scope } from "../scope/define-scope.ts";
import { Refusal, UsageError } from "./usage-error.ts";

/**
 * Loads the scope that an application's own module exports, as `default` or `scope`.
 * @throws UsageError for a file that is not there; Refusal `SCHEMA_SCOPE` for a module that does not load or exports no scope.
 */
export async function loadConfig(path: string): Promise<Scope> {
  if (!existsSync(path)) throw new UsageError(`there is no file ${path}; \`holdall scope init\` drafts one`);
  resolveOurselves();
  const exported = await importModule(path);
  const declaration = exported["default"] ?? exported["scope"];
  if (typeof declaration !== "object" || declaration === null) {
    throw new Refusal("SCHEMA_SCOPE", `${path} exports no scope: write \`export default defineScope({ … })\``);
  }
  try {
    return defineScope(declaration as Scope);
  } catch (error) {
    throw new Refusal("SCHEMA_SCOPE", `${path}: ${(error as Error).message}`);
  }
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new Refusal("SCHEMA_SCOPE", `${path} does not load: ${(error as Error).message}`);
  }
}

const entries: Record<string, string> = { "holdall/scope": "../scope/define-scope.ts", "holdall/server": "../index.ts" };
let resolving = false;

/** A configuration may import `holdall/scope` also where Holdall is not among the application's own packages. */
function resolveOurselves(): void {
  if (resolving || module.registerHooks === undefined) return;
  resolving = true;
  module.registerHooks({
    resolve(specifier, context, next) {
      const entry = Object.hasOwn(entries, specifier) ? entries[specifier] : undefined;
      if (entry === undefined) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        // Compiled, this file and its neighbours end in .js.
        const here = import.meta.url.endsWith(".js") ? entry.replace(/\.ts$/, ".js") : entry;
        return { url: new URL(here, import.meta.url).href, shortCircuit: true };
      }
    },
  });
}
