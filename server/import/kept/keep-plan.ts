import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sql } from "postgres";
import { BackupError } from "../../../engine/errors.ts";
import type { Outcome, Plan, PlanCode } from "../../../engine/plan.ts";
import { copyLines } from "../../database/copy-out.ts";
import type { PlanInput } from "../plan-input.ts";
import { mapsMakers } from "../plan-summary.ts";
import { KeyWriter } from "./key-writer.ts";
import { LineWriter } from "./line-file.ts";
import { copyDeletesSql, copyDetailsSql, copyMatchesSql, copyReassignedSql, copyRunsSql, lastRowSql } from "./row-details.ts";
import { RunWriter } from "./run-file.ts";

/** What is known of a table in a kept plan without looking at its rows. */
export interface KeptTable {
  /** Rows in the bundle. */
  rows: number;
  /** The names of the table's files begin with it; absent for a table that never enters. */
  files?: string;
  /** Columns that the importer takes over in every inserted row; with a mapping of users, rows are listed instead. */
  importer: string[];
  /** How many rows can be asked for by each code. */
  totals: Partial<Record<PlanCode, number>>;
}

/** `plan.json` of a kept plan. */
export interface KeptIndex {
  plan: Plan;
  tables: Record<string, KeptTable>;
}

/** Which of a table's rows have a line of their own, in a file for each code. */
export const plainOutcomes: readonly PlanCode[] = ["insert", "identical", "not_imported", "reassigned"];

/**
 * Keeps the rows of a plan in a folder of their own, while the session's tables exist: a file of keys, written as the rows are
 * staged, and for every code of a table the rows that have it, with what there is to say of each. New and identical rows cost
 * nothing but their place: they stand in the bundle.
 */
export class PlanKeeper {
  readonly folder: string;
  readonly #keys = new Map<string, KeyWriter>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws BackupError `IO_SOURCE` where the folder cannot be made; it must not be there yet. */
  static async create(folder: string): Promise<PlanKeeper> {
    return keeping(async () => {
      await mkdir(folder, { mode: 0o700 });
      return new PlanKeeper(folder);
    });
  }

  /** Takes the keys of a table's rows. */
  keysOf(table: { key: string; number: number }): KeyWriter {
    const keys = new KeyWriter(join(this.folder, `${table.number}.keys`));
    this.#keys.set(table.key, keys);
    return keys;
  }

  /** @throws BackupError `IO_SOURCE` where the disk takes no more. */
  async keep(sql: Sql, inputs: readonly PlanInput[], plan: Plan): Promise<void> {
    await keeping(async () => {
      const tables: Record<string, KeptTable> = {};
      for (const table of plan.tables) {
        const input = inputs.find((candidate) => candidate.table.key === table.table);
        await this.#keys.get(table.table)?.close();
        tables[table.table] =
          input === undefined ? { rows: table.rows, importer: [], totals: table.outcomes } : await this.#keepTable(sql, input);
      }
      await writeFile(join(this.folder, "plan.json"), JSON.stringify({ plan, tables } satisfies KeptIndex), { mode: 0o600 });
    });
  }

  /** After a failure. */
  async remove(): Promise<void> {
    for (const keys of this.#keys.values()) await keys.close().catch(() => {});
    await rm(this.folder, { recursive: true, force: true });
  }

  async #keepTable(sql: Sql, input: PlanInput): Promise<KeptTable> {
    const files = String(input.table.number);
    const writers = new CodeWriters(join(this.folder, files));
    try {
      if (input.matched + input.renumbered > 0) await keepMatches(sql, input, writers);
      if (mapsMakers(input)) await keepLines(sql, copyReassignedSql(input), "reassigned", writers);
      if (input.planned > 0) {
        await keepRuns(sql, input, writers);
        await keepDetails(sql, input, writers);
        if (input.mode === "replace") await keepDeletes(sql, input, writers);
      } else if (input.targetEmpty && input.staged.rows > 0) await writers.runs("insert").add(1, input.staged.rows);
    } finally {
      await writers.close();
    }
    const totals = writers.totals();
    const importer = mapsMakers(input) ? [] : input.table.importer;
    if (importer.length > 0 && totals.insert !== undefined) totals.reassigned = totals.insert;
    return { rows: input.staged.rows, files, importer, totals };
  }
}

/** The files of one table, opened as its rows turn up. */
class CodeWriters {
  readonly #path: string;
  readonly #runs = new Map<PlanCode, RunWriter>();
  readonly #lines = new Map<PlanCode, LineWriter>();

  constructor(path: string) {
    this.#path = path;
  }

  runs(code: PlanCode): RunWriter {
    return held(this.#runs, code, () => new RunWriter(`${this.#path}.${code}.runs`));
  }

  lines(code: PlanCode): LineWriter {
    return held(this.#lines, code, () => new LineWriter(`${this.#path}.${code}.rows`));
  }

  async flush(): Promise<void> {
    for (const lines of this.#lines.values()) await lines.flush();
  }

  async close(): Promise<void> {
    for (const runs of this.#runs.values()) await runs.close();
    for (const lines of this.#lines.values()) await lines.close();
  }

  totals(): Partial<Record<PlanCode, number>> {
    return Object.fromEntries([...this.#runs].map(([code, { total }]) => [code, total]));
  }
}

function held<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** Where the target is empty, rows between those of the plan table are inserts. */
async function keepRuns(sql: Sql, input: PlanInput, writers: CodeWriters): Promise<void> {
  let current: { outcome: Outcome; first: number } | undefined;
  const end = async (before: number, next: number) => {
    if (current !== undefined) await writers.runs(current.outcome).add(current.first, before);
    if (before + 1 < next) await writers.runs("insert").add(before + 1, next - 1);
  };
  const decoder = new TextDecoder();
  for await (const line of copyLines(sql, copyRunsSql(input))) {
    const [outcome, row, before] = decoder.decode(line).split("\x02") as [Outcome, string, string];
    await end(Number(before), Number(row));
    current = { outcome, first: Number(row) };
  }
  const [found] = await sql.unsafe(lastRowSql(input));
  await end(found!["last"] as number, input.targetEmpty ? input.staged.rows + 1 : 0);
}

async function keepDetails(sql: Sql, input: PlanInput, writers: CodeWriters): Promise<void> {
  const decoder = new TextDecoder();
  for await (const line of copyLines(sql, copyDetailsSql(input))) {
    const outcomeEnd = line.indexOf(2);
    const rowEnd = line.indexOf(2, outcomeEnd + 1);
    const clearedEnd = line.indexOf(2, rowEnd + 1);
    const outcome = decoder.decode(line.subarray(0, outcomeEnd)) as Outcome;
    if (!plainOutcomes.includes(outcome)) addLine(writers.lines(outcome), line, clearedEnd + 1);
    if (line[rowEnd + 1] === 0x31) {
      const row = Number(decoder.decode(line.subarray(outcomeEnd + 1, rowEnd)));
      await writers.runs("reference_cleared").add(row, row);
      addLine(writers.lines("reference_cleared"), line, clearedEnd + 1);
    }
    await writers.flush();
  }
}

async function keepMatches(sql: Sql, input: PlanInput, writers: CodeWriters): Promise<void> {
  const decoder = new TextDecoder();
  for await (const line of copyLines(sql, copyMatchesSql(input))) {
    const rowEnd = line.indexOf(2);
    const row = Number(decoder.decode(line.subarray(0, rowEnd)));
    const fresh = line[rowEnd + 1] === 0x31;
    await writers.runs(fresh ? "renumbered" : "matched").add(row, row);
    if (!fresh) addLine(writers.lines("matched"), line, rowEnd + 3);
    await writers.flush();
  }
}

async function keepLines(sql: Sql, statement: string, code: PlanCode, writers: CodeWriters): Promise<void> {
  const decoder = new TextDecoder();
  for await (const line of copyLines(sql, statement)) {
    const rowEnd = line.indexOf(2);
    const row = Number(decoder.decode(line.subarray(0, rowEnd)));
    await writers.runs(code).add(row, row);
    addLine(writers.lines(code), line, rowEnd + 1);
    await writers.flush();
  }
}

async function keepDeletes(sql: Sql, input: PlanInput, writers: CodeWriters): Promise<void> {
  for await (const line of copyLines(sql, copyDeletesSql(input))) {
    addLine(writers.lines("delete"), line, 0);
    await writers.flush();
  }
}

function addLine(lines: LineWriter, line: Uint8Array, start: number): void {
  lines.begin();
  lines.add(line, start);
  lines.endLine();
}

async function keeping<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code = "", syscall } = cause as NodeJS.ErrnoException;
    if (syscall === undefined || cause instanceof BackupError) throw cause;
    throw new BackupError("IO_SOURCE", `the rows of the plan cannot be kept: ${code}`, {}, { cause });
  }
}
