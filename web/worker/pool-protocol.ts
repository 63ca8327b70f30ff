import type { CheckedTable } from "../../engine/bundle/check-table.ts";
import type { ManifestTable } from "../../engine/bundle/manifest.ts";
import type { PackedBatch, PackedBlock } from "../../engine/codec.ts";
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

/** The packing and the hashing of contents, away from who puts the archive together. Bytes are handed over, and their memory comes back. */
export interface PackingWorker {
  packBatch(bytes: Uint8Array, lengths: readonly number[], level: number): Promise<Answer<PackedBatch>>;
  packBlock(bytes: Uint8Array, level: number): Promise<Answer<PackedBlock>>;
  /** A stream that is deflated: each call takes a piece and gives what has come out since the last one. */
  deflate(stream: number, bytes: Uint8Array): Promise<Answer<DeflatedPieces>>;
  /** Ends the stream; gives the rest of it. */
  endDeflate(stream: number): Promise<Answer<Uint8Array[]>>;
  hashParts(bytes: Uint8Array, parts: readonly HashedPart[]): Promise<Answer<PartsHashed>>;
}

export interface DeflatedPieces {
  pieces: Uint8Array[];
  memory: Uint8Array;
}

/** The next `length` bytes of a content, which may have begun in a call before. */
export interface HashedPart {
  content: number;
  length: number;
  last: boolean;
}

export interface PartsHashed {
  /** Lowercase hex, by contents that have ended. */
  hashes: [number, string][];
  memory: Uint8Array;
}
