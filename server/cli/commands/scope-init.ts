import { readFile, writeFile } from "node:fs/promises";
import { readCatalog } from "../../database/catalog.ts";
import { type Draft, draftScope } from "../../scope/draft/draft-scope.ts";
import { draftText } from "../../scope/draft/draft-text.ts";
import { sampleKeys } from "../../scope/draft/sampled-keys.ts";
import { defineCommand, type Result } from "../command.ts";
import { plural } from "../numbers.ts";
import { safeText } from "../safe-text.ts";
import { withConnection } from "../target.ts";
import { Refusal } from "../usage-error.ts";

export const scopeInit = defineCommand({
  name: "scope init",
  purpose:
    "Reads the tables of an application's database and drafts its scope: what travels, and what looks like a secret or like runtime state and stays. Every guess is marked for a person to confirm; until then nothing can be exported.",
  operands: [],
  options: {
    out: { type: "string", value: "FILE", help: "the file to write, or - for standard output", default: "holdall.config.ts" },
    force: { type: "boolean", help: "replace FILE" },
  },
  general: "installation",
  examples: ["holdall scope init --database postgres://app@localhost/app", "holdall scope init --out - | less"],
  exitCodes: { 0: "drafted", 1: "refused: FILE exists, or the database has no tables" },
  run: ({ options }, context) =>
    withConnection(context, async ({ sql, description }) => {
      const catalog = await readCatalog(sql);
      if (catalog.tables.size === 0)
        throw new Refusal("NO_TABLES", `${description} has no tables: run the application's migrations first`);
      const draft = draftScope(catalog, await application(), await sampleKeys(sql, catalog));
      const path = options.out ?? "holdall.config.ts";
      if (path === "-") await context.output.text(draftText(draft));
      else await write(path, draftText(draft), options.force === true);
      return path === "-" ? 0 : drafted(draft, path);
    }),
});

/** As the package in the current folder is called. */
async function application(): Promise<{ name: string; version: string }> {
  try {
    const { name, version } = JSON.parse(await readFile("package.json", "utf8")) as Record<string, unknown>;
    return {
      name: typeof name === "string" && name !== "" ? name : "app",
      version: typeof version === "string" && version !== "" ? version : "1.0.0",
    };
  } catch {
    return { name: "app", version: "1.0.0" };
  }
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Refusal("OUTPUT_EXISTS", `${path} is there already; --force replaces it`);
  }
}

function drafted({ scope, remarks }: Draft, path: string): Result {
  const [included, excluded] = [Object.keys(scope.tables).length, Object.keys(scope.excludedTables).length];
  return {
    exitCode: 0,
    json: { file: path, scope, remarks },
    text: (paint) =>
      `${paint.green("drafted")}  ${safeText(path)}: ${plural(included, "table")} in, ${plural(excluded, "table")} out\n` +
      "Read it, correct it, confirm each guess; `holdall scope check` says what is left.",
  };
}
