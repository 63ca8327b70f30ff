import type { Command } from "./command.ts";

interface CommandEntry {
  summary: string;
  /** Only the command that runs is loaded: the AWS client and PostgreSQL's would slow down every `--help`. */
  load(): Promise<Command>;
  /** For a command that parses its arguments itself. */
  runRaw?: (args: string[]) => Promise<number>;
}

export const commands: Record<string, CommandEntry> = {
  serve: { summary: "the page and the HTTP API", load: async () => (await import("./commands/serve.ts")).serve },
  demo: { summary: "make a demo installation, or an empty one", load: async () => (await import("./commands/demo.ts")).demo },
  export: {
    summary: "write an installation into a bundle",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  inspect: {
    summary: "what a bundle says it holds, in a moment",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  verify: { summary: "check every byte of a bundle", load: async () => (await import("./commands/verify.ts")).verify },
  preview: { summary: "what an import would change", load: async () => (await import("./commands/preview.ts")).preview },
  import: {
    summary: "bring a bundle into an installation",
    load: async () => (await import("./commands/import.ts")).importCommand,
  },
  convert: {
    summary: "write a bundle in another layout or container",
    load: async () => (await import("./commands/convert.ts")).convert,
  },
  "scope init": {
    summary: "draft a scope for the application in a database",
    load: async () => (await import("./commands/scope-init.ts")).scopeInit,
  },
  "scope show": {
    summary: "what may leave and enter, and why the rest may not",
    load: async () => (await import("./commands/scope-show.ts")).scopeShow,
  },
  "scope check": {
    summary: "hold the scope against the database",
    load: async () => (await import("./commands/scope-check.ts")).scopeCheck,
  },
  zip: {
    summary: "list, test, pack and unpack any ZIP archive",
    load: async () => (await import("./zip-help.ts")).zipHelp,
    runRaw: async (args) => (await import("./commands/zip.ts")).runZip(args),
  },
};
