/** What an application embeds: its scope, the HTTP routes, and the work behind them. */
export { BackupError, type ErrorCode, type Issue } from "../engine/errors.ts";
export type {
  ConflictMode,
  ImportReport,
  Loss,
  Outcome,
  Plan,
  PlanRow,
  ReplaceConsent,
  ReplacePlan,
  TablePlan,
} from "../engine/plan.ts";
export { type Bundle, openBundle } from "../engine/read-bundle.ts";
export { type Verification, verifyBundle } from "../engine/verify-bundle.ts";
export type { BlobInfo, BlobStore, NewBlob, OpenBlob } from "./blobs/blob-store.ts";
export { fileStore } from "./blobs/file-store.ts";
export { openStore } from "./blobs/open-store.ts";
export { openPool, type Pool } from "./blobs/pool.ts";
export { s3Store } from "./blobs/s3-store.ts";
export { nodeCodec } from "./codec-node.ts";
export { type Catalog, readCatalog } from "./database/catalog.ts";
export { type Connection, connect } from "./database/connect.ts";
export { type ExportProgress, type ExportRequest, exportBundle } from "./export/export-bundle.ts";
export { openFileSource } from "./file-source.ts";
export { createBackupApp } from "./http/backup-app.ts";
export { startServer } from "./http/serve.ts";
export { type WebFilesOptions, webFiles } from "./http/web-files.ts";
export { type ImportProgress, type ImportRequest, importBundle, previewImport } from "./import/import-bundle.ts";
export { findImporter, type Importer } from "./import/importer.ts";
export { checkScope, type ScopeProblem } from "./scope/check-scope.ts";
export { type BlobScope, defineScope, type Scope, type ScopeOption, type TableScope } from "./scope/define-scope.ts";
export type { OldRow, Upgrade, UpgradeStep } from "./scope/upgrade/steps.ts";
