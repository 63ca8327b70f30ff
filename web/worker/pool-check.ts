import type { CheckedEntry, EntryChecker } from "../../engine/check-entries.ts";
import type { ContainerEntry } from "../../engine/container.ts";
import type { ListedZip } from "../../engine/zip/list-zip.ts";
import { ndjsonJobs, zipJobs } from "./jobs.ts";
import type { Pool } from "./pool.ts";

/** Checks entries on all cores. Of a ZIP it looks also at the records of those entries that are not asked for. */
export function poolChecker(pool: Pool): EntryChecker {
  return async function* check(tasks, { container, signal, onProgress }) {
    const jobs = container.kind === "zip" ? zipJobs((container as ListedZip).entries, tasks) : ndjsonJobs(tasks);
    const byPath = new Map<string, ContainerEntry>(container.entries.map((entry) => [entry.path, entry]));
    const onShare = (path: string, bytes: number, rows: number) => onProgress(byPath.get(path)!, bytes, rows);
    for await (const [job, found] of pool.run(jobs, onShare, signal)) {
      for (const [i, share] of found.entries()) {
        if (job.kind === "records" && share.failure === undefined) continue;
        yield { ...share, entry: byPath.get(job.entries[i]!.path)! } satisfies CheckedEntry;
      }
    }
  };
}
