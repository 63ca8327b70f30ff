import { parseArgs } from "node:util";
import { BackupError } from "../../../engine/errors.ts";
import { openZip, type ZipContainer } from "../../../engine/zip/open-zip.ts";
import { nodeCodec } from "../../codec-node.ts";
import { startThreads } from "../../codec-pool.ts";
import { openFileSource } from "../../file-source.ts";

const usage = `holdall zip list FILE        what an archive holds, its structure checked
holdall zip test FILE        checks structure, names, sizes and CRC of every entry
                             (--sha256: computes and prints their SHA-256, too)
holdall zip pack DIR FILE|-  packs a folder ("-": to standard output)
holdall zip unpack FILE DIR  creates the content inside DIR, over nothing that exists
Options: --level 0-9 (pack; default 5). Exit status: 0 accepted, 1 refused, 2 wrong usage.`;

const linesLength = 64 * 1024;
const exitStatus = { accepted: 0, refused: 1, usage: 2 } as const;

interface Options {
  level?: string | undefined;
  sha256?: boolean | undefined;
}

type Command = (operands: string[], options: Options, signal: AbortSignal) => Promise<void>;

const commands: Record<string, { operands: number; run: Command }> = {
  list: { operands: 1, run: ([file], _, signal) => withArchive(file!, signal, list) },
  test: {
    operands: 1,
    run: ([file], { sha256 = false }, signal) => {
      startThreads();
      return withArchive(file!, signal, (archive) => test(archive, sha256, signal));
    },
  },
  pack: {
    operands: 2,
    run: async ([folder, file], { level }, signal) => {
      const { packFolder } = await import("../../zip/pack-folder.ts");
      await packFolder(folder!, file!, { level: parseLevel(level), signal });
    },
  },
  unpack: {
    operands: 2,
    run: async ([file, folder], _, signal) => {
      const { unpackInto } = await import("../../zip/unpack-into.ts");
      await withArchive(file!, signal, (archive) => unpackInto(archive, folder!, signal));
    },
  },
};

/** `holdall zip …`: runs the command and returns the exit status. An interrupt leaves nothing behind. */
export async function runZip(args: string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed === undefined) {
    console.error(usage);
    return exitStatus.usage;
  }
  const interrupt = new AbortController();
  const abort = () => interrupt.abort(new Error("interrupted"));
  process.once("SIGINT", abort).once("SIGTERM", abort);
  try {
    await parsed.command.run(parsed.operands, parsed.options, interrupt.signal);
    return exitStatus.accepted;
  } catch (error) {
    console.error(error instanceof BackupError ? `${error.code}: ${error.message}` : `holdall zip: ${(error as Error).message}`);
    return exitStatus.refused;
  } finally {
    process.off("SIGINT", abort).off("SIGTERM", abort);
  }
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { level: { type: "string" }, sha256: { type: "boolean" } },
      allowPositionals: true,
    });
    const [name = "", ...operands] = positionals;
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command?.operands !== operands.length || parseLevel(values.level) === null) return undefined;
    return { command, operands, options: values };
  } catch {
    return undefined;
  }
}

/** `null` when it is no level. */
function parseLevel(text: string | undefined): number | undefined | null {
  if (text === undefined) return undefined;
  return /^[0-9]$/.test(text) ? Number(text) : null;
}

async function withArchive(
  file: string,
  signal: AbortSignal,
  use: (archive: ZipContainer, signal: AbortSignal) => Promise<void>,
) {
  const source = await openFileSource(file);
  try {
    await use(await openZip(source, { codec: nodeCodec, signal }), signal);
  } finally {
    await source.close();
  }
}

async function list(archive: ZipContainer): Promise<void> {
  const lines = archive.entries.map(
    (entry) => `${String(entry.size).padStart(14)} ${String(entry.storedSize).padStart(14)}  ${entry.path}\n`,
  );
  for (let i = 0; i < lines.length; i += 1000) process.stdout.write(lines.slice(i, i + 1000).join(""));
}

/** Hashes are printed as `sha256sum` does; many at a time, because a write for each costs more than its hash. */
async function test(archive: ZipContainer, sha256: boolean, signal: AbortSignal): Promise<void> {
  let bytes = 0;
  let lines = "";
  for await (const { entry, sha256: hash } of archive.verify(archive.entries, { sha256, signal })) {
    bytes += entry.size;
    if (hash !== undefined && !entry.directory) lines += `${hash}  ${entry.path}\n`;
    if (lines.length < linesLength) continue;
    process.stdout.write(lines);
    lines = "";
  }
  if (sha256) process.stdout.write(lines);
  else console.log(`accepted: ${archive.entries.length} entries, ${bytes} bytes`);
}
