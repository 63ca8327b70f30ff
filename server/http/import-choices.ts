import * as v from "valibot";
import { BackupError } from "../../engine/errors.ts";
import { type ConflictMode, conflictModes, type ImportChoices, type ReplaceConsent } from "../../engine/plan.ts";

export interface RequestedImport {
  mode: ConflictMode;
  planDigest?: string;
  choices: Partial<ImportChoices>;
  consent: ReplaceConsent;
  /** The file's name, of which some layouts ask that it tells the truth. */
  fileName?: string;
  acceptNameMismatch: boolean;
}

const flagText = (name: string) =>
  v.pipe(
    v.picklist(["true", "false"], `${name} is true or false`),
    v.transform((text) => text === "true"),
  );
const listText = v.pipe(
  v.string(),
  v.transform((text) => text.split(",").map((name) => name.trim())),
  v.array(v.pipe(v.string(), v.nonEmpty("a name is empty"))),
);

/** The fields of the form, or parameters of the query, beside the bundle. */
const parameters = {
  mode: v.picklist(conflictModes, `mode is one of ${conflictModes.join(", ")}`),
  plan_digest: v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{64}$/, "plan_digest is the digest of a plan: 64 lowercase hexadecimal digits"),
  ),
  match_natural_keys: flagText("match_natural_keys"),
  replace_existing: flagText("replace_existing"),
  accept_loss: flagText("accept_loss"),
  allow_no_admin: flagText("allow_no_admin"),
  user_map: v.pipe(
    v.string(),
    v.parseJson({}, "user_map is a JSON object"),
    v.record(v.string(), v.string(), "user_map is a JSON object of users of the bundle to users of the target"),
  ),
  tables: listText,
  orgs: listText,
  file_name: v.pipe(v.string(), v.maxLength(1000, "file_name is the name of a file")),
  accept_name_mismatch: flagText("accept_name_mismatch"),
};

/**
 * The form's fields and the query say the same things; what is said twice must agree.
 * @throws BackupError `REQUEST_INVALID`
 */
export function requestedImport(
  fields: Record<string, string>,
  query: Record<string, string>,
  defaultMode: ConflictMode | undefined,
): RequestedImport {
  for (const [name, text] of Object.entries(fields)) {
    if (!Object.hasOwn(parameters, name)) throw invalid(`no field is named ${JSON.stringify(name)}`);
    if (query[name] !== undefined && query[name] !== text) throw invalid(`${name} differs between the query and the form`);
  }
  const read = <N extends keyof typeof parameters>(name: N) => parse(name, fields[name] ?? query[name]);
  const mode = read("mode") ?? defaultMode;
  if (mode === undefined) throw invalid(`mode is one of ${conflictModes.join(", ")}`);
  const planDigest = read("plan_digest");
  const fileName = read("file_name");
  const [matches, users, tables, tenants] = [read("match_natural_keys"), read("user_map"), read("tables"), read("orgs")];
  return {
    mode,
    ...(planDigest !== undefined && { planDigest }),
    ...(fileName !== undefined && { fileName }),
    acceptNameMismatch: read("accept_name_mismatch") === true,
    choices: {
      ...(matches !== undefined && { match_natural_keys: matches }),
      ...(users !== undefined && { user_map: users }),
      ...(tables !== undefined && { tables }),
      ...(tenants !== undefined && { tenants }),
    },
    consent: {
      replace_existing: read("replace_existing") === true,
      accept_loss: read("accept_loss") === true,
      allow_no_admin: read("allow_no_admin") === true,
    },
  };
}

function parse<N extends keyof typeof parameters>(name: N, text: string | undefined) {
  if (text === undefined) return undefined;
  const parsed = v.safeParse(parameters[name] as (typeof parameters)[N], text);
  if (parsed.success) return parsed.output;
  throw invalid(`${parsed.issues[0].message}, not ${JSON.stringify(text.slice(0, 200))}`);
}

/** @throws BackupError `REQUEST_INVALID`, before a body is received for nothing */
export function assertQuery(query: Record<string, string>): void {
  for (const name of Object.keys(parameters) as (keyof typeof parameters)[]) parse(name, query[name]);
}

function invalid(message: string): BackupError {
  return new BackupError("REQUEST_INVALID", message);
}
