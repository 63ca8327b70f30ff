import { parseArgs } from "node:util";

/** `npm run bench -- NAME [--json] [--runs N] [--assets N] [--files N] [--ciphers N] [--attachments N]`: figures, peers and ratios, all of one run of one machine. */
export interface BenchArgs {
  json: boolean;
  runs?: number;
  assets?: number;
  files?: number;
  ciphers?: number;
  attachments?: number;
  rest: string[];
}

const benches: Record<string, () => Promise<{ run(args: BenchArgs): Promise<void> }>> = {
  browser: () => import("./browser.ts"),
  codec: () => import("./codec.ts"),
  memory: () => import("./memory.ts"),
  move: () => import("./move.ts"),
  vault: () => import("./vault.ts"),
  zip: () => import("./zip.ts"),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean" },
    runs: { type: "string" },
    assets: { type: "string" },
    files: { type: "string" },
    ciphers: { type: "string" },
    attachments: { type: "string" },
  },
});
const [name = "", ...rest] = positionals;
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench === undefined) {
  console.error(
    `usage: npm run bench -- ${Object.keys(benches).join("|")} [--json] [--runs N] [--assets N] [--files N] [--ciphers N] [--attachments N]`,
  );
  process.exitCode = 2;
} else {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const names = ["runs", "assets", "files", "ciphers", "attachments"] as const;
  const counts = Object.fromEntries(names.map((option) => [option, number(values[option])]));
  const given = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined));
  await (await bench()).run({ json: values.json === true, rest, ...given });
}
