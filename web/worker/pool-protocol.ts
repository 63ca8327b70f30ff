import type { CheckedTable } from "../../engine/bundle/check-table.ts";
import type { ManifestTable } from "../../engine/bundle/manifest.ts";
import type { PackedBatch } from "../../engine/codec.ts";
import type { Limits } from "../../engine/limits.ts";
import type { NdjsonEntry } from "../../engine/ndjson/index-ndjson.ts";
import type { ZipStretch } from "../../engine/zip/list-zip.ts";
import type { CheckedContent } from "../../engine/zip/run-steps.ts";
import type { Answer, RemoteBundle } from "./protocol.ts";

/** Where a bundle's bytes are; every Worker opens them for itself. */
export type Origin = Blob | RemoteBundle;

/** A table as far as it crosses to another Worker. */
export interface TableJob {
  name: string;
  record: ManifestTable | undefined;
  fileIds: readonly string[];
}

/** An entry and what is to be looked at: its container's records of it alone, its content too, or its content as a table's rows. */
export interface JobEntry<E> {
  entry: E;
  look: "records" | "content" | TableJob;
}

/** A share of the checking: entries that lie one behind the other. */
export type CheckJob = { kind: "zip"; entries: JobEntry<ZipStretch>[] } | { kind: "ndjson"; entries: JobEntry<NdjsonEntry>[] };

/** What was found of an entry. */
export type CheckedShare = CheckedContent & { table?: Omit<CheckedTable, "failure"> };

export interface PoolWorker extends PackingWorker {
  use(origin: Origin, limits: Limits): Promise<Answer<null>>;
  /** One item an entry, in order. */
  check(job: CheckJob, onProgress: (path: string, bytes: number, rows: number) => void): Promise<Answer<CheckedShare[]>>;
  /** Ends all jobs. */
  stop(): Promise<void>;
}

/** The packing of entries and the hashing of what was packed, away from who puts the archive together. Bytes are handed over. */
export interface PackingWorker {
  packBatch(bytes: Uint8Array, lengths: readonly number[], level: number): Promise<Answer<PackedBatch>>;
  /** A stream that is deflated: each call takes a piece and gives what has come out since the last one. */
  deflate(stream: number, bytes: Uint8Array): Promise<Answer<Uint8Array[]>>;
  /** Ends the stream; gives the rest of it. */
  endDeflate(stream: number): Promise<Answer<Uint8Array[]>>;
  hash(bytes: Uint8Array): Promise<Answer<null>>;
  /** Lowercase hex of everything since the last call. */
  digest(): Promise<Answer<string>>;
}
