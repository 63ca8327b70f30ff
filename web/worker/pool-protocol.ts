import type { CheckedTable } from "../../engine/bundle/check-table.ts";
import type { ManifestTable } from "../../engine/bundle/manifest.ts";
import type { Limits } from "../../engine/limits.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import type { CheckedContent } from "../../engine/zip/check-stretches.ts";
import type { ZipStretch } from "../../engine/zip/list-zip.ts";
import type { Answer, RemoteBundle } from "./protocol.ts";

/** Where a bundle's bytes are; every Worker opens them for itself. */
export type Origin = Blob | RemoteBundle;

/** A table as far as it crosses to another Worker. */
export interface TableJob {
  name: string;
  record: ManifestTable | undefined;
  fileIds: readonly string[];
}

/** A share of the checking: entries that lie together, one large entry, or one table. */
export type CheckJob =
  | { kind: "stretches"; entries: ZipStretch[] }
  | { kind: "large"; entries: [ZipStretch] }
  | { kind: "records"; entries: ZipStretch[] }
  | { kind: "lines"; entries: NdjsonEntry[] }
  | { kind: "table"; container: "zip"; entries: [ZipStretch]; table: TableJob }
  | { kind: "table"; container: "ndjson"; entries: [NdjsonEntry]; table: TableJob };

/** What was found of an entry. */
export type CheckedShare = CheckedContent & { table?: Omit<CheckedTable, "failure"> };

export interface PoolWorker {
  use(origin: Origin, limits: Limits): Promise<Answer<null>>;
  /** One item an entry, in order. */
  check(job: CheckJob, onProgress: (path: string, bytes: number, rows: number) => void): Promise<Answer<CheckedShare[]>>;
  /** Ends all jobs. */
  stop(): Promise<void>;
}
