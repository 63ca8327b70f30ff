import type { Slice } from "../zip/thin-zip.ts";
import type { NdjsonEntry } from "./index-ndjson.ts";
import type { NdjsonContainer } from "./read-ndjson.ts";
import { documentLines, doneLine } from "./write-ndjson.ts";

/** As `thinZip`, for the ndjson container. `sha256` is the document's. */
export function thinNdjson(
  container: NdjsonContainer,
  isOmitted: (path: string) => boolean,
  document: { path: string; content: Uint8Array; sha256: string },
): Slice[] {
  const all = container.entries as readonly NdjsonEntry[];
  const kept = all.filter((entry) => !isOmitted(entry.path));
  const slices: { start: number; end: number }[] = [{ start: 0, end: all[0]?.start ?? 0 }];
  for (const { start, stop } of kept) {
    const last = slices.at(-1)!;
    if (last.end === start) last.end = stop;
    else slices.push({ start, end: stop });
  }
  return [...slices, ...documentLines(document.path, document.content, document.sha256), doneLine(kept.length + 1)];
}
