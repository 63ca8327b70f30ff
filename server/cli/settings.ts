import { join } from "node:path";
import { homeFolder } from "../home.ts";
import type { OptionSpecs } from "./command.ts";
import { defaultConfig } from "./default-config.ts";

/** Which installation a command works on. */
export interface Settings {
  scope: string;
  /** An application's own scope file, instead of `scope`. */
  config: string | undefined;
  /** `postgres://…` or `embedded:NAME`; may hold a password. */
  database: string;
  /** `file:PATH` or `s3://bucket/prefix`. */
  blobs: string;
  /** Folder for what Holdall keeps itself. */
  home: string;
}

export const targetOptions = {
  scope: { type: "string", value: "NAME", help: "what may leave and enter", default: "HOLDALL_SCOPE, else easm" },
  config: {
    type: "string",
    value: "FILE",
    help: "a scope of your own, in TypeScript or JavaScript",
    default: "HOLDALL_CONFIG, else holdall.config.ts in this folder",
  },
  database: {
    type: "string",
    value: "URL",
    help: "postgres://… or embedded:NAME, a PostgreSQL of our own under HOLDALL_HOME",
    default: "DATABASE_URL, else embedded:holdall",
  },
  blobs: {
    type: "string",
    value: "STORE",
    help: "file:PATH or s3://bucket/prefix",
    default: "HOLDALL_BLOBS, else file:.holdall/blobs",
  },
} as const satisfies OptionSpecs;

export const outputOptions = {
  json: { type: "boolean", help: "one JSON value on stdout, for the result or the error" },
  quiet: { type: "boolean", help: "no progress and no remarks" },
  "no-color": { type: "boolean", help: "plain text; NO_COLOR and FORCE_COLOR are respected, too" },
  help: { type: "boolean", short: "h", help: "this text" },
} as const satisfies OptionSpecs;

type Chosen = { scope?: string; config?: string; database?: string; blobs?: string };

export function settingsFrom(chosen: Chosen, env: NodeJS.ProcessEnv = process.env): Settings {
  const home = homeFolder(env);
  const database = chosen.database || env["DATABASE_URL"] || "embedded:holdall";
  const scope = chosen.scope || (chosen.config ? undefined : env["HOLDALL_SCOPE"]);
  return {
    config: scope === undefined ? chosen.config || env["HOLDALL_CONFIG"] || defaultConfig() : chosen.config,
    scope: chosen.scope || env["HOLDALL_SCOPE"] || "easm",
    database,
    blobs: chosen.blobs || env["HOLDALL_BLOBS"] || `file:${join(home, blobFolder(database))}`,
    home,
  };
}

/** Two embedded installations in one home must not share a blob store: each would take the other's objects for its own. */
function blobFolder(database: string): string {
  const name = /^embedded:(.+)$/.exec(database)?.[1];
  return name === undefined || name === "holdall" ? "blobs" : `blobs-${name}`;
}
