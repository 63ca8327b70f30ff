import type { Scope } from "../scope/define-scope.ts";
import type { Demo } from "../scopes/demo/demo.ts";
import type { Settings } from "./settings.ts";
import { didYouMean } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

const scopes = {
  easm: {
    scope: async (): Promise<Scope> => (await import("../scopes/easm/scope.ts")).easm,
    demo: async (): Promise<Demo> => import("../scopes/easm/demo.ts"),
  },
  vault: {
    scope: async (): Promise<Scope> => (await import("../scopes/vault/scope.ts")).vault,
    demo: async (): Promise<Demo> => import("../scopes/vault/demo.ts"),
  },
};

function shipped(name: string) {
  if (Object.hasOwn(scopes, name)) return scopes[name as keyof typeof scopes];
  const names = Object.keys(scopes);
  throw new UsageError(`no scope is named ${name}; there is ${names.join(" and ")}${didYouMean(name, names)}`);
}

/** @throws UsageError for a scope that Holdall does not ship, and as `loadConfig` */
export async function loadScope({ scope, config }: Pick<Settings, "scope" | "config">): Promise<Scope> {
  if (config === undefined) return shipped(scope).scope();
  return (await import("./config-file.ts")).loadConfig(config);
}

/** Schema and demo data of a scope's application. @throws UsageError as `loadScope` */
export function loadDemo(name: string): Promise<Demo> {
  return shipped(name).demo();
}
