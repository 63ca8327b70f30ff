import { spawn } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./measure.ts";
import type { BenchArgs } from "./run.ts";
import { contenderNames } from "./zip-contenders.ts";
import { makeSet, type SetName, setNames } from "./zip-sets.ts";

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

const sizeGoals: { set: SetName; times: number }[] = [
  { set: "A", times: 1.03 },
  { set: "D", times: 1.01 },
];
const memoryGoal = 150;

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
 * `npm run bench -- zip [A B C D] [--runs N]`: packs and verifies the sets (all, unless named) beside the peers that are installed and prints
 * MB/s of content, sizes, peak memory and how the goals are met; of N runs the median counts. What is verified was packed by Info-ZIP
 * where it is installed, so that all read the same neutral archive.
 */
export async function run({ json, runs: rounds = 1, rest }: BenchArgs): Promise<void> {
  const sets = setNames.filter((set) => rest.length === 0 || rest.includes(set));
  const folder = join(tmpdir(), "holdall-bench-zip");
  await mkdir(folder, { recursive: true });
  const measured: Measured[] = [];
  for (const set of sets) measured.push(...(await measureSet(folder, set, rounds)));
  print(measured);
  if (json) console.log(JSON.stringify({ bench: "zip", measured, ratios: ratiosOf(measured) }));
}

async function measureSet(folder: string, set: SetName, rounds: number): Promise<Measured[]> {
  const source = await makeSet(folder, set);
  const bytes = await totalOf(source);
  const neutral = join(folder, `${set}.zip`);
  const file = join(folder, `${set}-packed.zip`);
  const sizes = new Map<string, number>();
  const keep = async (contender: string) => {
    sizes.set(contender, (await stat(file)).size);
    if (contender === "zip" || (contender === "holdall" && sizes.size === 1)) await copyFile(file, neutral);
  };
  const packed = await inTurn(rounds, commands("pack", set), [source, file], keep);
  const verified = await inTurn(rounds, commands("verify", set), [neutral]);
  for (const made of [neutral, file]) await rm(made, { force: true });
  return [
    ...packed.map((one) => ({ set, operation: "pack" as const, ...speedOf(one, bytes), size: sizes.get(one.contender)! })),
    ...verified.map((one) => ({ set, operation: "verify" as const, ...speedOf(one, bytes) })),
  ];
}

/** The command as it is installed: set C is packed at its usual level, since it finds out by itself what does not compress. */
const holdall = `"${process.execPath}" --max-semi-space-size=2 "${fileURLToPath(new URL("../../server/cli/holdall.js", import.meta.url))}" zip`;
const ownCommand = { pack: `${holdall} pack "$1" "$2"`, verify: `${holdall} test --sha256 "$1"` };

/** By contender; the native peers after the others. */
function commands(operation: "pack" | "verify", set: SetName): Record<string, string> {
  const script = join(import.meta.dirname, "zip-contenders.ts");
  const level = set === "C" ? 0 : 6;
  const scripts = contenderNames(operation).map((name) => [
    name,
    `"${process.execPath}" "${script}" ${name} ${operation} "$1" "$2" ${level}`,
  ]);
  const native = operation === "pack" ? nativePack(set) : nativeVerify;
  return { holdall: ownCommand[operation], ...Object.fromEntries(scripts), ...native };
}

async function totalOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

interface Runs {
  contender: string;
  found: Timed[];
}

/**
 * Every contender once in each round, so that a slow minute of the machine meets all of them. One that fails, because it is not
 * installed or cannot do it, is left out.
 */
async function inTurn(
  rounds: number,
  contenders: Record<string, string>,
  operands: string[],
  after?: (contender: string) => Promise<void>,
): Promise<Runs[]> {
  const runs = Object.keys(contenders).map((contender): Runs => ({ contender, found: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const { contender, found } of runs) {
      const [input, output] = operands;
      if (output !== undefined) await rm(output, { force: true });
      await intoCache(input!);
      const measured = await timed(contenders[contender]!, operands);
      if (measured === undefined) continue;
      found.push(measured);
      await after?.(contender);
    }
  }
  return runs.filter(({ found }) => found.length === rounds);
}

function speedOf({ contender, found }: Runs, bytes: number) {
  const seconds = median(found.map((one) => one.seconds));
  const peak = Math.max(...found.map((one) => one.peakMegabytes ?? 0));
  return { contender, seconds, peakMegabytes: peak === 0 ? undefined : peak, megabytesPerSecond: bytes / 1e6 / seconds };
}

/** Everyone reads from the page cache: a system that has dropped a part of it would make the first one wait for the disk. */
async function intoCache(place: string): Promise<void> {
  await timed('find "$1" -type f -exec cat {} + >/dev/null', [place]);
}

interface Timed {
  seconds: number;
  peakMegabytes: number | undefined;
}

async function timed(command: string, operands: string[]): Promise<Timed | undefined> {
  const start = performance.now();
  const child = spawn("sh", ["-c", command, "sh", ...operands], { stdio: "ignore", detached: true });
  const peaks = new Map<number, number>();
  const watch = setInterval(() => notePeaks(child.pid!, peaks), 100);
  const status = await new Promise<number | null>((resolve) => child.once("exit", resolve).once("error", () => resolve(null)));
  clearInterval(watch);
  if (status !== 0) return undefined;
  const peak = [...peaks.values()].reduce((sum, kilobytes) => sum + kilobytes, 0);
  return { seconds: (performance.now() - start) / 1000, peakMegabytes: peak === 0 ? undefined : Math.round((peak * 1024) / 1e6) };
}

/** Highest resident kilobytes, as the kernel knows them, of a process and those it has started, one level down. */
async function notePeaks(pid: number, peaks: Map<number, number>): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  for (const one of [pid, ...children.trim().split(" ").filter(Boolean).map(Number)]) {
    const status = await readFile(`/proc/${one}/status`, "utf8").catch(() => "");
    const peak = /VmHWM:\s+(\d+)/.exec(status)?.[1];
    if (peak !== undefined) peaks.set(one, Number(peak));
  }
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
  for (const { what, ratio, goal, met } of ratiosOf(measured))
    console.log(`${what.padEnd(40)} ${ratio.toFixed(3)} (goal ${goal}) ${met ? "met" : "MISSED"}`);
}

interface Ratio {
  what: string;
  ratio: number;
  goal: number;
  met: boolean;
}

/** Each goal whose peer was measured: speeds at least, sizes at most, memory at most. */
function ratiosOf(measured: readonly Measured[]): Ratio[] {
  const row = (set: SetName, operation: Goal["operation"], name: string) =>
    measured.find((one) => one.set === set && one.operation === operation && one.contender === name);
  const speeds = goals.flatMap(({ set, operation, peer, times: goal }) => {
    const [ours, theirs] = [row(set, operation, "holdall"), row(set, operation, peer)];
    if (ours === undefined || theirs === undefined) return [];
    const ratio = ours.megabytesPerSecond / theirs.megabytesPerSecond;
    return [{ what: `${operation} ${set}: speed of ${peer}, times`, ratio, goal, met: ratio >= goal }];
  });
  const sizes = sizeGoals.flatMap(({ set, times: goal }) => {
    const [ours, theirs] = [row(set, "pack", "holdall")?.size, row(set, "pack", "zip")?.size];
    if (ours === undefined || theirs === undefined) return [];
    return [{ what: `pack ${set}: size of zip, times`, ratio: ours / theirs, goal, met: ours / theirs <= goal }];
  });
  const memory = measured.flatMap(({ set, operation, contender, peakMegabytes: ratio }) => {
    if (contender !== "holdall" || ratio === undefined) return [];
    return [{ what: `${operation} ${set}: MB of memory`, ratio, goal: memoryGoal, met: ratio <= memoryGoal }];
  });
  return [...speeds, ...sizes, ...memory];
}
