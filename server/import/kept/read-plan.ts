import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BackupError } from "../../../engine/errors.ts";
import type { Outcome, Plan, PlanCode, PlannedRow, PlanPage } from "../../../engine/plan.ts";
import { outcomes } from "../../../engine/plan.ts";
import { type KeptIndex, type KeptTable, plainOutcomes } from "./keep-plan.ts";
import { readKeys } from "./key-writer.ts";
import { readLines } from "./line-file.ts";
import { RunReader } from "./run-file.ts";

export interface PageRequest {
  table: string;
  /** Only rows with this outcome or note. */
  outcome?: PlanCode;
  /** How many of those to pass over. */
  from: number;
  count: number;
}

/** Rows that follow each other and have one outcome. */
export interface StampedRows {
  first: number;
  last: number;
  outcome: PlanCode;
  stamp?: string;
}

/** Reads what a `PlanKeeper` kept; any place of a plan takes the same few reads. */
export class PlanReader {
  readonly #folder: string;
  readonly #index: KeptIndex;

  private constructor(folder: string, index: KeptIndex) {
    this.#folder = folder;
    this.#index = index;
  }

  static async open(folder: string): Promise<PlanReader> {
    return new PlanReader(folder, JSON.parse(await readFile(join(folder, "plan.json"), "utf8")) as KeptIndex);
  }

  get plan(): Plan {
    return this.#index.plan;
  }

  /** @throws BackupError `REQUEST_INVALID` where the plan has no such table. */
  async page({ table: name, outcome, from, count }: PageRequest): Promise<PlanPage> {
    if (!Object.hasOwn(this.#index.tables, name)) {
      throw new BackupError("REQUEST_INVALID", `the plan has no table ${JSON.stringify(name)}`, { table: name });
    }
    const table = this.#index.tables[name]!;
    // The rows that would be deleted follow those of the bundle.
    const all = table.rows + (table.totals.delete ?? 0);
    const total = outcome === undefined ? all : (table.totals[outcome] ?? 0);
    const end = Math.min(total, from + count);
    const rows = from >= end ? [] : await this.#rows(table, outcome, from, end - from);
    return { table: name, outcome: outcome ?? null, from, total, rows };
  }

  /** Every row of a table with its outcome, and a stamp of what is planned for it beside that where there is more to say. */
  async *stamps(name: string): AsyncGenerator<StampedRows[]> {
    const { files, totals } = this.#index.tables[name]!;
    for (const outcome of outcomes) {
      if (files === undefined || !totals[outcome]) continue;
      if (!plainOutcomes.includes(outcome)) {
        yield* this.#stampsOf(name, outcome);
        continue;
      }
      const reader = await RunReader.open(join(this.#folder, `${files}.${outcome}.runs`), totals[outcome]);
      try {
        for await (const runs of reader.runs()) yield runs.map(([first, last]) => ({ first, last, outcome }));
      } finally {
        await reader.close();
      }
    }
  }

  /** The inserted rows that lose a reference. */
  clearedStamps(name: string): AsyncGenerator<StampedRows[]> {
    return this.#stampsOf(name, "reference_cleared");
  }

  async *#stampsOf(name: string, code: PlanCode): AsyncGenerator<StampedRows[]> {
    const { files, totals } = this.#index.tables[name]!;
    const total = totals[code] ?? 0;
    if (total === 0) return;
    const path = join(this.#folder, `${files}.${code}`);
    const reader = await RunReader.open(`${path}.runs`, total);
    try {
      for (let from = 0; from < total; from += 1000) {
        const [rows, lines] = [await reader.rows(from, 1000), await readLines(`${path}.rows`, from, 1000)];
        yield rows.map((row, i) => ({ first: row, last: row, outcome: code, stamp: stampOf(lines[i]!) }));
      }
    } finally {
      await reader.close();
    }
  }

  async #rows(table: KeptTable, outcome: PlanCode | undefined, from: number, count: number): Promise<PlannedRow[]> {
    const consecutive = Array.from({ length: count }, (_, i) => from + i + 1);
    const { files } = table;
    // A table that never enters was not staged: of its rows, only their number is known.
    if (files === undefined) return consecutive.map((row) => ({ outcome: "not_imported", row, key: [] }));
    const lists = new RunLists(join(this.#folder, files), table);
    try {
      const numbers = outcome === undefined ? consecutive : await lists.rows(outcome, from, count);
      const rows: PlannedRow[] = [];
      for (const row of numbers) rows.push(await this.#row(table, lists, row));
      await addKeys(join(this.#folder, `${files}.keys`), rows);
      return rows;
    } finally {
      await lists.close();
    }
  }

  async #row(table: KeptTable, lists: RunLists, row: number): Promise<PlannedRow> {
    const { outcome, place } = await lists.outcomeOf(row);
    const planned: PlannedRow = { outcome, row, key: [] };
    if (!plainOutcomes.includes(outcome)) Object.assign(planned, await lists.details(outcome, place));
    const matched = await lists.placeOf("matched", row);
    if (matched !== -1) Object.assign(planned, await lists.details("matched", matched));
    if (outcome !== "insert") return planned;
    if ((await lists.placeOf("renumbered", row)) !== -1) planned.renumbered = true;
    const cleared = await lists.placeOf("reference_cleared", row);
    if (cleared !== -1) Object.assign(planned, await lists.details("reference_cleared", cleared));
    if (table.importer.length > 0) planned.reassigned = table.importer;
    else {
      const reassigned = await lists.placeOf("reassigned", row);
      if (reassigned !== -1) Object.assign(planned, await lists.details("reassigned", reassigned));
    }
    return planned;
  }
}

/** Rows that follow each other are read at once. */
async function addKeys(path: string, rows: PlannedRow[]): Promise<void> {
  for (let i = 0; i < rows.length; ) {
    let behind = i + 1;
    if (rows[i]!.outcome === "delete") {
      i = behind;
      continue;
    }
    while (behind < rows.length && rows[behind]!.outcome !== "delete" && rows[behind]!.row - rows[i]!.row < 4 * (behind - i + 64))
      behind++;
    const first = rows[i]!.row;
    const keys = await readKeys(path, first, rows[behind - 1]!.row - first + 1);
    for (; i < behind; i++) rows[i]!.key = keys[rows[i]!.row - first] ?? [];
  }
}

/** The lists of one table's rows, by code, opened as they are needed. */
class RunLists {
  readonly #path: string;
  readonly #table: KeptTable;
  readonly #readers = new Map<PlanCode, RunReader>();
  /** Lines of details that were read ahead. */
  readonly #ahead = new Map<PlanCode, { from: number; lines: string[] }>();

  constructor(path: string, table: KeptTable) {
    this.#path = path;
    this.#table = table;
  }

  async rows(code: PlanCode, from: number, count: number): Promise<number[]> {
    return (await this.#reader(code)).rows(from, count);
  }

  async placeOf(code: PlanCode, row: number): Promise<number> {
    return (this.#table.totals[code] ?? 0) === 0 ? -1 : (await this.#reader(code)).placeOf(row);
  }

  async outcomeOf(row: number): Promise<{ outcome: Outcome; place: number }> {
    for (const outcome of outcomes) {
      const place = await this.placeOf(outcome, row);
      if (place !== -1) return { outcome, place };
    }
    throw new Error(`row ${row} has no outcome in ${this.#path}`);
  }

  async details(code: PlanCode, place: number): Promise<Partial<PlannedRow>> {
    let ahead = this.#ahead.get(code);
    if (ahead === undefined || place < ahead.from || place >= ahead.from + ahead.lines.length) {
      ahead = { from: place, lines: await readLines(`${this.#path}.${code}.rows`, place, 64) };
      this.#ahead.set(code, ahead);
    }
    return detailsOf(ahead.lines[place - ahead.from]!);
  }

  async close(): Promise<void> {
    for (const reader of this.#readers.values()) await reader.close();
  }

  /** Without a mapping of users, all inserted rows of a table get the importer: their list is that of the inserts. */
  async #reader(code: PlanCode): Promise<RunReader> {
    const list = code === "reassigned" && this.#table.importer.length > 0 ? "insert" : code;
    let reader = this.#readers.get(list);
    if (reader === undefined) {
      reader = await RunReader.open(`${this.#path}.${list}.runs`, this.#table.totals[list] ?? 0);
      this.#readers.set(list, reader);
    }
    return reader;
  }
}

function stampOf(line: string): string {
  return (JSON.parse(line) as { stamp: string }).stamp;
}

/** What is null was not said; the stamp is for comparisons of plans. */
function detailsOf(line: string): Partial<PlannedRow> {
  const { stamp: _, ...details } = JSON.parse(line) as { stamp: string } & Record<string, unknown>;
  const changes = (details["changes"] as (Record<string, unknown> & { cut: boolean | null })[] | null)?.map(
    ({ cut, ...change }) => (cut === true ? { ...change, cut } : change),
  );
  return Object.fromEntries(Object.entries({ ...details, changes }).filter(([, value]) => value !== null && value !== undefined));
}
