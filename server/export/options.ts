import { BackupError } from "../../engine/errors.ts";
import type { Scope } from "../scope/define-scope.ts";

export interface ResolvedOptions {
  options: Record<string, boolean>;
  warnings: string[];
}

/**
 * The scope's options with a request's choices. An ignored option (`include_secrets`) is a warning and changes nothing.
 * @throws BackupError `REQUEST_INVALID` for an option that the scope does not have, or a value that is not true or false.
 */
export function resolveOptions(scope: Scope, requested: Record<string, unknown>): ResolvedOptions {
  const options = Object.fromEntries(Object.entries(scope.options).map(([name, option]) => [name, option.default]));
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(requested)) {
    const ignored = Object.hasOwn(scope.ignoredOptions, name) ? scope.ignoredOptions[name] : undefined;
    if (ignored !== undefined) {
      warnings.push(`${name}: ${ignored}`);
      continue;
    }
    if (!Object.hasOwn(options, name)) {
      throw new BackupError("REQUEST_INVALID", `no option is named ${name}; the options are ${Object.keys(options).join(", ")}`, {
        option: name,
      });
    }
    if (typeof value !== "boolean") {
      throw new BackupError("REQUEST_INVALID", `option ${name} is true or false, not ${JSON.stringify(value)}`, { option: name });
    }
    options[name] = value;
  }
  return { options, warnings };
}
