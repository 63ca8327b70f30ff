import type { CheckedEntry, EntryChecker } from "../../engine/check-entries.ts";
import type { ContainerEntry } from "../../engine/container.ts";
import { checkJobs } from "./jobs.ts";
import type { Pool } from "./pool.ts";

/** Checks entries on all cores. Of a ZIP it looks also at the records of those entries that are not asked for. */
export function poolChecker(pool: Pool): EntryChecker {
  return async function* check(tasks, { container, signal, onProgress }) {
    const jobs = checkJobs(container, tasks, pool.size);
    const byPath = new Map<string, ContainerEntry>(container.entries.map((entry) => [entry.path, entry]));
    const onShare = (path: string, bytes: number, rows: number) => onProgress(byPath.get(path)!, bytes, rows);
    for await (const [job, found] of pool.run(jobs, onShare, signal)) {
      for (const [i, share] of found.entries()) {
        const { entry, look } = job.entries[i]!;
        if (look === "records" && share.failure === undefined) continue;
        yield { ...share, entry: byPath.get(entry.path)! } satisfies CheckedEntry;
      }
    }
  };
}
