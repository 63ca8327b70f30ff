import * as v from "valibot";
import { type ConflictMode, conflictModes } from "../../engine/plan.ts";
import { contradictions } from "./contradictions.ts";
import type { Scope } from "./scope.ts";
import { scopeSchema } from "./scope-schema.ts";

export type * from "./scope.ts";

/** The modes that a scope offers, the first of them as the default. */
export function modesOf({ modes }: Scope): readonly ConflictMode[] {
  return modes ?? conflictModes.filter((mode) => mode !== "replace");
}

/**
 * Checks a declaration in itself and returns it unchanged. Whether it fits a database is `checkScope`'s question.
 * @throws TypeError naming every mistake at once.
 */
export function defineScope(declaration: Scope): Scope {
  const parsed = v.safeParse(scopeSchema, declaration);
  const mistakes = parsed.success
    ? contradictions(declaration)
    : parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "scope"}: ${issue.message}`);
  if (mistakes.length > 0) throw new TypeError(`scope ${declaration.name} is not usable:\n  ${mistakes.join("\n  ")}`);
  return declaration;
}
