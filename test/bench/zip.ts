import { spawn } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contenderNames } from "./zip-contenders.ts";
import { makeSet, type SetName, setNames } from "./zip-sets.ts";

export interface BenchArgs {
  json: boolean;
  /** Shrinks the sets for a trial; 1 by default. */
  scale?: number;
  /** Rounds of which the best counts; 1 by default. */
  rounds?: number;
  sets?: readonly SetName[];
  /** Where sets and archives are kept. */
  folder?: string;
}

export interface Measured {
  set: SetName;
  operation: "pack" | "verify";
  contender: string;
  megabytesPerSecond: number;
  seconds: number;
  /** Peak resident memory of the process and its children in MB, where the system tells. */
  peakMegabytes: number | undefined;
  /** Bytes of the archive, of a packing. */
  size?: number;
}

interface Goal {
  set: SetName;
  operation: "pack" | "verify";
  peer: string;
  /** How many times the peer's speed is asked for. */
  times: number;
}

const goals: Goal[] = [
  { set: "A", operation: "pack", peer: "zip", times: 2 },
  { set: "B", operation: "pack", peer: "zip", times: 1.3 },
  { set: "B", operation: "pack", peer: "yazl", times: 6 },
  { set: "C", operation: "pack", peer: "zip", times: 2 },
  { set: "D", operation: "pack", peer: "7z -mx1", times: 2 },
  { set: "A", operation: "verify", peer: "bsdtar | openssl", times: 1.3 },
  { set: "B", operation: "verify", peer: "unzip", times: 1.1 },
  { set: "B", operation: "verify", peer: "yauzl", times: 7 },
  { set: "C", operation: "verify", peer: "yauzl", times: 1 },
  { set: "C", operation: "verify", peer: "unzip", times: 3 },
  { set: "D", operation: "verify", peer: "bsdtar | openssl", times: 1 },
  { set: "D", operation: "verify", peer: "zip.js", times: 5 },
];

/** Shell commands of the native peers. `$1` is the folder or archive, `$2` the archive to make; set C is stored. */
const nativePack = (set: SetName): Record<string, string> => ({
  zip: `cd "$1" && zip -${set === "C" ? 0 : 6} -qr "$2" .`,
  "7z -mx1": `cd "$1" && 7z a -tzip -mx${set === "C" ? 0 : 1} -bd -bso0 "$2" .`,
  bsdtar: `cd "$1" && bsdtar --format zip ${set === "C" ? "--options zip:compression=store" : ""} -cf "$2" .`,
});
const nativeVerify: Record<string, string> = {
  unzip: 'unzip -tqq "$1"',
  "7z": '7z t -bd -bso0 "$1"',
  "bsdtar | openssl": 'bsdtar -xOf "$1" | openssl dgst -sha256 >/dev/null',
};

/**
 * Packs and verifies the four sets beside the peers that are installed and prints MB/s of content, sizes, peak memory and how the goals
 * are met. What is verified was packed by Info-ZIP where it is installed, so that all read the same neutral archive.
 */
export async function run(args: BenchArgs): Promise<void> {
  const folder = args.folder ?? join(tmpdir(), "holdall-bench-zip");
  await mkdir(folder, { recursive: true });
  const measured: Measured[] = [];
  for (const set of args.sets ?? setNames) measured.push(...(await measureSet(folder, set, args)));
  if (args.json) console.log(JSON.stringify(measured, undefined, 2));
  else print(measured);
}

async function measureSet(folder: string, set: SetName, { scale = 1, rounds = 1 }: BenchArgs): Promise<Measured[]> {
  const source = await makeSet(folder, set, scale);
  const bytes = await totalOf(source);
  const measured: Measured[] = [];
  const neutral = join(folder, `${set}.zip`);
  await rm(neutral, { force: true });
  for (const [contender, command] of Object.entries(commands("pack", set))) {
    const file = join(folder, `${set}-packed.zip`);
    const found = await best(rounds, command, [source, file], bytes, () => rm(file, { force: true }));
    if (found === undefined) continue;
    measured.push({ set, operation: "pack", contender, ...found, size: (await stat(file)).size });
    if (contender === "zip" || (contender === "holdall" && measured.length === 1)) await copyFile(file, neutral);
  }
  for (const [contender, command] of Object.entries(commands("verify", set))) {
    const found = await best(rounds, command, [neutral], bytes);
    if (found !== undefined) measured.push({ set, operation: "verify", contender, ...found });
  }
  await rm(neutral, { force: true });
  await rm(join(folder, `${set}-packed.zip`), { force: true });
  return measured;
}

function commands(operation: "pack" | "verify", set: SetName): Record<string, string> {
  const script = join(import.meta.dirname, "zip-contenders.ts");
  const level = set === "C" ? 0 : 6;
  const own = contenderNames(operation).map((name) => [
    name,
    // holdall finds out by itself that set C does not compress
    `"${process.execPath}" "${script}" ${name} ${operation} "$1" "$2" ${name === "holdall" ? 6 : level}`,
  ]);
  return { ...Object.fromEntries(own), ...(operation === "pack" ? nativePack(set) : nativeVerify) };
}

async function totalOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

type Speed = Pick<Measured, "megabytesPerSecond" | "seconds" | "peakMegabytes">;

/** `undefined` where the command fails, because it is not installed or cannot do it. */
async function best(
  rounds: number,
  command: string,
  operands: string[],
  bytes: number,
  before?: () => Promise<void>,
): Promise<Speed | undefined> {
  let result: Speed | undefined;
  for (let round = 0; round < rounds; round++) {
    await before?.();
    const { seconds, peakMegabytes } = (await timed(command, operands)) ?? {};
    if (seconds === undefined) return undefined;
    if (result === undefined || seconds < result.seconds)
      result = { seconds, peakMegabytes, megabytesPerSecond: bytes / 1e6 / seconds };
  }
  return result;
}

async function timed(
  command: string,
  operands: string[],
): Promise<{ seconds: number; peakMegabytes: number | undefined } | undefined> {
  const start = performance.now();
  const child = spawn("sh", ["-c", command, "sh", ...operands], { stdio: "ignore", detached: true });
  let peak = 0;
  const watch = setInterval(async () => {
    peak = Math.max(peak, await residentOf(child.pid!));
  }, 25);
  const status = await new Promise<number | null>((resolve) => child.once("exit", resolve).once("error", () => resolve(null)));
  clearInterval(watch);
  if (status !== 0) return undefined;
  return { seconds: (performance.now() - start) / 1000, peakMegabytes: peak === 0 ? undefined : Math.round(peak / 1000) };
}

/** Kilobytes held by a process and those it has started, one level down; 0 where there is no /proc. */
async function residentOf(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = [pid, ...children.trim().split(" ").filter(Boolean).map(Number)];
  const statuses = await Promise.all(pids.map((one) => readFile(`/proc/${one}/status`, "utf8").catch(() => "")));
  return statuses.reduce((sum, status) => sum + Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0), 0);
}

function print(measured: readonly Measured[]): void {
  for (const operation of ["pack", "verify"] as const) {
    console.log(`\n${operation.padEnd(20)}    set      MB/s   seconds  peak MB        bytes`);
    for (const row of measured.filter((one) => one.operation === operation)) {
      const cells = [row.megabytesPerSecond.toFixed(0), row.seconds.toFixed(2), row.peakMegabytes ?? "-", row.size ?? ""];
      console.log(`${row.contender.padEnd(24)} ${row.set} ${cells.map((cell) => String(cell).padStart(9)).join(" ")}`);
    }
  }
  console.log("\ngoal");
  for (const { set, operation, peer, times } of goals) {
    const speed = (name: string) =>
      measured.find((row) => row.set === set && row.operation === operation && row.contender === name)?.megabytesPerSecond;
    const [ours, theirs] = [speed("holdall"), speed(peer)];
    if (ours === undefined || theirs === undefined) continue;
    console.log(
      `${operation} ${set}: ${(ours / theirs).toFixed(2)} times ${peer} (goal ${times}) ${ours / theirs >= times ? "met" : "MISSED"}`,
    );
  }
}
