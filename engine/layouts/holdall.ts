import { parseChecksums } from "../bundle/checksums.ts";
import { checksumsPath, manifestPath, tablePath, thinPath } from "../bundle/layout.ts";
import { bundleFormat, parseManifest } from "../bundle/manifest.ts";
import { readTable } from "../bundle/read-table.ts";
import { type Omitted, parseThin } from "../bundle/thin.ts";
import { collect } from "../bytes.ts";
import type { Container } from "../container.ts";
import { BackupError } from "../errors.ts";
import type { Layout, OpenLayoutContext } from "../layout.ts";
import { assertHeader } from "../ndjson/header.ts";
import type { NdjsonContainer } from "../ndjson/read-ndjson.ts";
import type { Bundle } from "../read-bundle.ts";
import { writeHoldall } from "./write-holdall.ts";

/** Holdall's own layout (docs/format.md). */
export const holdall: Layout = {
  name: "holdall",
  recognizes: () => true,
  open: openHoldall,
  write: writeHoldall,
};

async function openHoldall(container: Container, { limits, signal }: OpenLayoutContext): Promise<Bundle> {
  const entries = new Map(container.entries.map((entry) => [entry.path, entry]));
  const open = (path: string, abort?: AbortSignal) => {
    const entry = entries.get(path);
    if (entry === undefined) throw missing(path);
    return container.open(entry, abort);
  };
  const document = async (path: string) => {
    const size = entries.get(path)?.size ?? 0;
    if (size > limits.documentBytes) {
      const message = `${path} has ${size} bytes and the limit is ${limits.documentBytes}`;
      throw new BackupError("LIMIT_ENTRY_BYTES", message, { entry: path });
    }
    return collect(open(path, signal));
  };
  const manifest = parseManifest(await document(manifestPath));
  if (container.kind === "ndjson") assertHeader((container as NdjsonContainer).header, manifest);
  const checksums = parseChecksums(await document(checksumsPath));
  const omitted: Omitted = entries.has(thinPath) ? parseThin(await document(thinPath)) : new Map();
  return {
    layout: "holdall",
    container,
    manifest,
    checksums,
    omitted,
    limits,
    entry: (path) => entries.get(path),
    open,
    readRows: (table, visitor, abort) => readTable(open(tablePath(table), abort), tablePath(table), visitor, limits.rowBytes),
  };
}

function missing(path: string): BackupError {
  const advice = path === manifestPath ? `it is no ${bundleFormat}` : "the bundle is incomplete";
  return new BackupError("INTEGRITY_MISSING", `${path} is missing: ${advice}`, { entry: path });
}
