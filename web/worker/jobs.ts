import type { TableTask } from "../../engine/bundle/check-table.ts";
import type { EntryTask } from "../../engine/check-entries.ts";
import type { Container, ContainerEntry } from "../../engine/container.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import type { ListedZip } from "../../engine/zip/list-zip.ts";
import type { CheckJob, JobEntry, TableJob } from "./pool-protocol.ts";

/** Bytes of the shortest run worth a stream of its own. */
const leastRun = 8 * 1024 * 1024;
/** Walking rows takes about as long as unpacking and hashing them. */
const tableCost = 2;
/** Of an entry by itself: its records, its place in lists. */
const entryCost = 4096;

/**
 * The share-out of a bundle's entries: runs of what lies together, each read from front to back by one Worker, the longest first and
 * ever shorter ones, so that all end at about the same time.
 */
export function checkJobs(container: Container, tasks: readonly EntryTask[], workers: number): CheckJob[] {
  if (container.kind === "ndjson") {
    const entries = tasks.map(({ entry, table }) => jobEntry(entry as NdjsonEntry, table));
    return runsOf(entries, workers).map((run) => ({ kind: "ndjson", entries: run }));
  }
  const taskOf = new Map(tasks.map((task) => [task.entry, task]));
  const entries = (container as ListedZip).entries.map((entry) => {
    const task = taskOf.get(entry);
    return task === undefined ? { entry, look: "records" as const } : jobEntry(entry, task.table);
  });
  return runsOf(entries, workers).map((run) => ({ kind: "zip", entries: run }));
}

function jobEntry<E extends ContainerEntry>(entry: E, table: TableTask | undefined): JobEntry<E> {
  return { entry, look: table === undefined ? "content" : crossing(table) };
}

function crossing({ name, record, fileIds }: TableTask): TableJob {
  return { name, record, fileIds: [...fileIds] };
}

function runsOf<E extends ContainerEntry>(entries: readonly JobEntry<E>[], workers: number): JobEntry<E>[][] {
  const runs: { entries: JobEntry<E>[]; cost: number }[] = [];
  let left = entries.reduce((sum, entry) => sum + costOf(entry), 0);
  let most = 0;
  for (const entry of entries) {
    const cost = costOf(entry);
    const last = runs.at(-1);
    if (last !== undefined && last.cost + cost <= most) {
      last.entries.push(entry);
      last.cost += cost;
    } else {
      most = Math.max(leastRun, left / (2 * workers));
      runs.push({ entries: [entry], cost });
    }
    left -= cost;
  }
  return runs.sort((a, b) => b.cost - a.cost).map((run) => run.entries);
}

function costOf({ entry, look }: JobEntry<ContainerEntry>): number {
  if (look === "records") return entryCost;
  return entryCost + (typeof look === "object" ? tableCost : 1) * entry.size;
}
