import type { TableTask } from "../../engine/bundle/check-table.ts";
import type { Checksums } from "../../engine/bundle/checksums.ts";
import type { TableVisitor } from "../../engine/bundle/read-table.ts";
import { RowIndex } from "../../engine/bundle/row-index.ts";
import {
  type CheckContext,
  type CheckedEntry,
  checkInOrder,
  checkTableEntry,
  type EntryTask,
} from "../../engine/check-entries.ts";
import type { ContainerEntry } from "../../engine/container.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { nodeCodec } from "../codec-node.ts";

/** A table whose content is not verified yet, and what it must turn out to be. */
interface LateTable {
  entry: ContainerEntry;
  task: TableTask;
  rows: number;
  sha256: string;
}

/** A late table is not what the bundle states, or gives rise to a warning: only a verification can say what is the matter. */
class NotAsStated extends Error {
  override readonly name = "NotAsStated";
}

/**
 * Tables whose content is verified by the first who reads their rows, in that same pass: the rows of a large bundle are then scanned once
 * and not twice, and while PostgreSQL takes them. A verification that goes by `check` takes what checksums and manifest state of them
 * for found; it holds once `settle` has returned.
 */
export class LateTables {
  readonly #source: Bundle;
  readonly #checksums: Checksums;
  readonly #waiting = new Map<string, LateTable>();

  constructor(bundle: Bundle, checksums: Checksums) {
    this.#source = bundle;
    this.#checksums = checksums;
  }

  /** An `EntryChecker` that leaves late tables for later. */
  async *check(tasks: readonly EntryTask[], context: CheckContext): AsyncGenerator<CheckedEntry> {
    const now: EntryTask[] = [];
    for (const task of tasks) {
      const late = this.#lateTable(task);
      if (late === undefined) now.push(task);
      else {
        this.#waiting.set(late.task.name, late);
        yield asStated(late);
      }
    }
    yield* checkInOrder(now, context);
  }

  /** The bundle whose readers verify what they read. Its `readRows` fails with `NotAsStated` as well. */
  get bundle(): Bundle {
    return { ...this.#source, readRows: (table, visitor, signal) => this.#readRows(table, visitor, signal) };
  }

  /** Verifies what nobody has read to its end. @throws NotAsStated */
  async settle(signal?: AbortSignal): Promise<void> {
    for (const late of [...this.#waiting.values()]) await this.#verify(late, undefined, signal);
  }

  /** What is stated of a table that says everything about itself. The files that rows name can only be known from the rows. */
  #lateTable({ entry, table }: EntryTask): LateTable | undefined {
    const sha256 = this.#checksums.get(entry.path);
    if (table?.record === undefined || table.record.file_id !== undefined || sha256 === undefined) return undefined;
    return { entry, task: table, rows: table.record.rows, sha256 };
  }

  async #readRows(table: string, visitor: TableVisitor, signal?: AbortSignal): Promise<number> {
    const late = this.#waiting.get(table);
    if (late === undefined) return this.#source.readRows(table, visitor, signal);
    await this.#verify(late, visitor, signal);
    return late.rows;
  }

  async #verify(late: LateTable, taker: TableVisitor | undefined, signal: AbortSignal | undefined): Promise<void> {
    const { container, limits } = this.#source;
    const context = { container, codec: nodeCodec, rowBytes: limits.rowBytes, signal, onProgress: () => {} };
    const { table, sha256, failure } = await checkTableEntry(late.entry, late.task, context, taker);
    const { rows, issues, moreErrors, moreWarnings } = table!;
    const silent = issues.length + moreErrors + moreWarnings === 0;
    if (failure !== undefined || !silent || rows !== late.rows || sha256 !== late.sha256)
      throw new NotAsStated(`${late.entry.path} is not as stated`, { cause: failure?.issue });
    this.#waiting.delete(late.task.name);
  }
}

function asStated({ entry, rows, sha256 }: LateTable): CheckedEntry {
  const { marks } = new RowIndex();
  return { entry, sha256, table: { rows, issues: [], moreErrors: 0, moreWarnings: 0, claimed: [], marks } };
}
