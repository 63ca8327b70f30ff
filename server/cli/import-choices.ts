import type { ImportChoices, ReplaceConsent } from "../../engine/plan.ts";
import type { Arguments, OptionSpecs } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** What preview and import can be told beside the mode. */
export const choiceOptions = {
  "map-user": {
    type: "string",
    value: "FROM=TO",
    multiple: true,
    help: "a user of the bundle, by id or e-mail, is this one of the target: keeps who made a row and who is a member",
  },
  "no-natural-keys": { type: "boolean", help: "find rows that are there by their primary key alone" },
  tables: { type: "string", value: "A,B", help: "only these tables of the bundle" },
  org: { type: "string", value: "ID|SLUG", multiple: true, help: "only the rows of this organization" },
} as const satisfies OptionSpecs;

/** What mode `replace` does only where it is told to. */
export const consentOptions = {
  "replace-existing": {
    type: "boolean",
    help: "mode replace: the target may be in use; what the bundle does not hold is deleted",
  },
  "accept-loss": {
    type: "boolean",
    help: "mode replace: what the plan counts as lost may go, such as sessions of deleted users",
  },
  "allow-no-admin": { type: "boolean", help: "mode replace: the target may end up without an active administrator" },
} as const satisfies OptionSpecs;

export function replaceConsent(options: Arguments<typeof consentOptions>["options"]): ReplaceConsent {
  return {
    replace_existing: options["replace-existing"] === true,
    accept_loss: options["accept-loss"] === true,
    allow_no_admin: options["allow-no-admin"] === true,
  };
}

/** @throws UsageError */
export function importChoices(options: Arguments<typeof choiceOptions>["options"]): Partial<ImportChoices> {
  const users = options["map-user"];
  return {
    ...(options["no-natural-keys"] === true && { match_natural_keys: false }),
    ...(users !== undefined && { user_map: userMap(users) }),
    ...(options.tables !== undefined && { tables: names("--tables", options.tables) }),
    ...(options.org !== undefined && { tenants: options.org }),
  };
}

function userMap(given: readonly string[]): Record<string, string> {
  const map = new Map<string, string>();
  for (const text of given) {
    const [, from, to] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (from === undefined || to === undefined) throw new UsageError(`--map-user takes FROM=TO, not ${JSON.stringify(text)}`);
    if (map.has(from)) throw new UsageError(`--map-user names ${from} twice`);
    map.set(from, to);
  }
  return Object.fromEntries(map);
}

function names(option: string, text: string): string[] {
  const list = text.split(",").map((name) => name.trim());
  if (list.includes("")) throw new UsageError(`${option} takes names separated by commas, not ${JSON.stringify(text)}`);
  return list;
}
