import { type Command, defineCommand } from "./command.ts";

/** The ZIP engine's own tool parses its arguments itself; here is what it says of itself. */
export const zipHelp: Command = defineCommand({
  name: "zip",
  purpose: "Works on any ZIP archive with the engine that reads and writes bundles, as strictly as it does there.",
  operands: [{ name: "(list FILE | test FILE | pack DIR FILE|- | unpack FILE DIR)", help: "" }],
  options: {
    level: { type: "string", value: "0-9", help: "how hard pack compresses", default: "6" },
    sha256: { type: "boolean", help: "test: computes and prints the SHA-256 of every entry" },
  },
  general: "none",
  examples: ["holdall zip test download.zip", "holdall zip pack folder folder.zip", "holdall zip unpack download.zip folder"],
  exitCodes: { 0: "accepted", 1: "refused: the archive is damaged, ambiguous or hostile" },
  run: () => Promise.reject(new Error("holdall zip runs its own parser")),
});
