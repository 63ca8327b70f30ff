/** The bundle engine: the same code in a browser's Worker and in Node. */

export * from "./blob-source.ts";
export { type Checksums, formatChecksums, parseChecksums } from "./bundle/checksums.ts";
export { checksumsPath, filePath, manifestPath, roleOf, tablePath } from "./bundle/layout.ts";
export {
  type BundleHeader,
  bundleFormat,
  formatVersion,
  type Manifest,
  type ManifestFile,
  type ManifestTable,
} from "./bundle/manifest.ts";
export { type RowPlace, readTable, type TableVisitor } from "./bundle/read-table.ts";
export { TableText } from "./bundle/table-text.ts";
export * from "./byte-source.ts";
export type { Codec } from "./codec.ts";
export { fflateCodec } from "./codec-fflate.ts";
export { createWebCodec } from "./codec-web.ts";
export type { Container, ContainerEntry, EntryInput, WriteContainerOptions } from "./container.ts";
export { BackupError, type ErrorCode, type ErrorDetails, errorCodes, type Issue } from "./errors.ts";
export { httpSource } from "./http-source.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { openNdjson } from "./ndjson/read-ndjson.ts";
export { writeNdjson } from "./ndjson/write-ndjson.ts";
export { assertPath, safeObjectName } from "./paths.ts";
export * from "./plan.ts";
export { type Bundle, openBundle } from "./read-bundle.ts";
export { type Verification, type VerifyProgress, verifyBundle } from "./verify-bundle.ts";
export { type BundleInput, type FileInput, type TableInput, writeBundle } from "./write-bundle.ts";
export { openZip, type ZipContainer } from "./zip/open-zip.ts";
export { readZipStream } from "./zip/read-zip-stream.ts";
export { writeZip } from "./zip/write-zip.ts";
