import type { TableTask } from "../../engine/bundle/check-table.ts";
import type { EntryTask } from "../../engine/check-entries.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import type { ZipStretch } from "../../engine/zip/list-zip.ts";
import type { CheckJob, TableJob } from "./pool-protocol.ts";

/** Entries up to this size are read many at a time; larger ones one by one as streams. */
const smallEntry = 3 * 1024 * 1024;
/** Bytes read at once, which is what a source keeps buffers for, and bytes of content that may come of it. */
const windowLength = 4 * 1024 * 1024;
const windowEntries = 2048;

/** The share-out of a ZIP: large ones first, so that none is left alone at the end. */
export function zipJobs(entries: readonly ZipStretch[], tasks: readonly EntryTask[]): CheckJob[] {
  const taskOf = new Map(tasks.map((task) => [task.entry, task]));
  const jobs = new Windows();
  const large: CheckJob[] = [];
  for (const entry of entries) {
    const task = taskOf.get(entry);
    if (task === undefined) large.push({ kind: "records", entries: [entry] });
    else if (task.table !== undefined)
      large.push({ kind: "table", container: "zip", entries: [entry], table: crossing(task.table) });
    else if (entry.size > smallEntry || entry.storedSize > smallEntry) large.push({ kind: "large", entries: [entry] });
    else jobs.add(entry);
  }
  return [...largestFirst(large), ...jobs.end().map((group): CheckJob => ({ kind: "stretches", entries: group }))];
}

export function ndjsonJobs(tasks: readonly EntryTask[]): CheckJob[] {
  const large: CheckJob[] = [];
  const small: CheckJob[] = [];
  let group: NdjsonEntry[] = [];
  let bytes = 0;
  for (const { entry, table } of tasks as readonly (EntryTask & { entry: NdjsonEntry })[]) {
    if (table !== undefined) {
      large.push({ kind: "table", container: "ndjson", entries: [entry], table: crossing(table) });
    } else {
      if (group.length === windowEntries || bytes + entry.size > windowLength) {
        if (group.length > 0) small.push({ kind: "lines", entries: group });
        [group, bytes] = [[], 0];
      }
      group.push(entry);
      bytes += entry.size;
    }
  }
  if (group.length > 0) small.push({ kind: "lines", entries: group });
  return [...largestFirst(large), ...small];
}

/** Runs of entries that one read covers. */
class Windows {
  readonly #groups: ZipStretch[][] = [];
  #group: ZipStretch[] = [];
  #contents = 0;

  add(entry: ZipStretch): void {
    const last = this.#group.at(-1);
    const follows = last !== undefined && last.end === entry.start && this.#group.length < windowEntries;
    const fits = follows && entry.end - this.#group[0]!.start <= windowLength && this.#contents + entry.size <= 2 * windowLength;
    if (!fits) this.#cut();
    this.#group.push(entry);
    this.#contents += entry.size;
  }

  #cut(): void {
    if (this.#group.length > 0) this.#groups.push(this.#group);
    this.#group = [];
    this.#contents = 0;
  }

  end(): ZipStretch[][] {
    this.#cut();
    return this.#groups;
  }
}

function largestFirst(jobs: CheckJob[]): CheckJob[] {
  return jobs.sort((a, b) => b.entries[0]!.size - a.entries[0]!.size);
}

function crossing({ name, record, fileIds }: TableTask): TableJob {
  return { name, record, fileIds: [...fileIds] };
}
