import type { Sql } from "postgres";
import type { FilePool } from "../../engine/file-pool.ts";
import type { ConflictMode, ImportChoices, ReplaceConsent } from "../../engine/plan.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import type { Verification } from "../../engine/verify-bundle.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Scope } from "../scope/define-scope.ts";
import type { Importer } from "./importer.ts";

export interface ImportRequest {
  sql: Sql;
  store: BlobStore;
  scope: Scope;
  bundle: Bundle;
  mode: ConflictMode;
  importer: Importer;
  choices?: Partial<ImportChoices>;
  /** Where the files are that the bundle only refers to. */
  pool?: FilePool;
  /** What mode `replace` may do; it refuses what it was not told. */
  consent?: Partial<ReplaceConsent>;
  /** The digest of the plan that the admin confirmed: another one is refused. */
  planDigest?: string;
  /** The folder in which a preview kept that plan: a refusal can then say what moved. */
  keptPlan?: string;
  signal?: AbortSignal;
  onProgress?: (progress: ImportProgress) => void;
  /** Gets what was found, warnings among it, of a bundle that is valid. */
  onVerified?: (verification: Verification) => void;
}

export interface PreviewRequest extends ImportRequest {
  /** A folder that is not there yet: it will hold the plan's rows, for `PlanReader`, once the preview has succeeded. */
  keepIn?: string;
}

export interface ImportProgress {
  phase: "verify" | "stage" | "plan" | "blobs" | "apply";
  table?: string;
  rows?: number;
  files?: number;
  /** Uncompressed bytes. */
  bytes?: number;
  bytesTotal?: number;
}
