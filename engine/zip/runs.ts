import type { ZipEntry } from "./entry.ts";

/** Larger entries are streamed one by one; smaller ones are read many at a time. */
export const smallEntry = 2 * 1024 * 1024;
/** A run is read at once, and its contents may be in memory together: bytes of each at most. */
const runLength = 4 * 1024 * 1024;
/** What a task is told of its entries, and what it answers, takes memory on both sides. */
const runEntries = 512;
/** Descriptors and headers between two entries are read along; more than this is another read. */
const widestGap = 64 * 1024;

/** Small entries that lie close to each other in the archive, in ascending order; or one large entry. */
export interface EntryRun {
  entries: ZipEntry[];
  offset: number;
  length: number;
  /** Bytes of the entries' contents. */
  contents: number;
  large: boolean;
}

/** Groups entries, in the order given, so that each run costs one read and one task. */
export function* runsOf(entries: Iterable<ZipEntry>): Generator<EntryRun> {
  let run: EntryRun | undefined;
  for (const entry of entries) {
    const large = entry.size > smallEntry || entry.storedSize > smallEntry;
    const length = run === undefined ? 0 : entry.dataOffset + entry.storedSize - run.offset;
    const gap = run === undefined ? 0 : entry.dataOffset - (run.offset + run.length);
    if (
      run !== undefined &&
      !run.large &&
      !large &&
      run.entries.length < runEntries &&
      gap >= 0 &&
      gap <= widestGap &&
      length <= runLength &&
      run.contents + entry.size <= runLength
    ) {
      run.entries.push(entry);
      run.length = length;
      run.contents += entry.size;
      continue;
    }
    if (run !== undefined) yield run;
    run = { entries: [entry], offset: entry.dataOffset, length: entry.storedSize, contents: entry.size, large };
  }
  if (run !== undefined) yield run;
}
