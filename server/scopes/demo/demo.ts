import type postgres from "postgres";
import type { BlobStore } from "../../blobs/blob-store.ts";

/** Schema and demo data of an application whose scope Holdall ships. */
export interface Demo {
  defaultAdminEmail: string;
  makeSchema(sql: postgres.Sql): Promise<void>;
  fillEmpty(sql: postgres.Sql, options: { adminEmail?: string }): Promise<void>;
  /** @returns rows written by table */
  // biome-ignore lint/suspicious/noExplicitAny: the names of its sizes differ from demo to demo
  fillDemo(sql: postgres.Sql, blobs: BlobStore, options: any): Promise<Record<string, number>>;
}

/** What every demo is told beside its sizes. */
export interface DemoRequest {
  seed: number;
  adminEmail?: string;
  largeFileBytes?: number;
  onProgress?: (progress: DemoProgress) => void;
}

export interface DemoProgress {
  table: string;
  /** Rows written so far. */
  rows: number;
  /** Rows that the table will hold. */
  total: number;
}
