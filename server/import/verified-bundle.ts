import { withHashes } from "../../engine/bundle/computed-hashes.ts";
import { checksumsPath } from "../../engine/bundle/layout.ts";
import type { EntryChecker } from "../../engine/check-entries.ts";
import { checkReferences } from "../../engine/check-references.ts";
import { BackupError, type Issue } from "../../engine/errors.ts";
import type { FilePool } from "../../engine/file-pool.ts";
import type { Bundle } from "../../engine/read-bundle.ts";
import { type Verification, type VerifyProgress, verifyBundle } from "../../engine/verify-bundle.ts";
import { nodeCodec } from "../codec-node.ts";
import type { Scope } from "../scope/define-scope.ts";
import { upgradeBundle } from "../scope/upgrade/upgrade-bundle.ts";
import { LateTables } from "./late-tables.ts";
import { sha256Of } from "./sha256.ts";

/** A bundle that was read from end to end and found sound, for this scope, and brought to its version. */
export interface VerifiedBundle {
  bundle: Bundle;
  verification: Verification;
  /** SHA-256 of checksums.json, which covers every other byte. */
  sha256: string;
  /**
   * There where tables are verified while their rows are read: verifies the rest of them. Until it has returned, the bundle may be
   * any bundle, of which rows may wait in staging tables and nothing else may come; fails with anything where it is not valid.
   */
  settle?(signal?: AbortSignal): Promise<void>;
}

export interface VerifyOptions {
  signal?: AbortSignal;
  onProgress?: (progress: VerifyProgress) => void;
  pool?: FilePool;
}

/**
 * @throws BackupError with the code of the first error and all of them in `details.issues`; `SCHEMA_SCOPE` for a bundle of
 * another application.
 */
export async function verifyForImport(bundle: Bundle, scope: Scope, options: VerifyOptions = {}): Promise<VerifiedBundle> {
  assertScope(bundle, scope);
  const hashes = new Map<string, string>();
  const onHash = (path: string, sha256: string) => hashes.set(path, sha256);
  const { pool, ...reading } = options;
  const keeping = bundle.checksums === null ? { onHash } : {};
  const verification = await verifyBundle(bundle, { ...reading, ...keeping, codec: nodeCodec });
  if (!verification.valid) throw invalid(verification.issues);
  // Nothing states the hashes of files that such a bundle refers to.
  if (bundle.checksums === null && pool !== undefined) await hashReferences(bundle, pool, onHash, options.signal);
  const hashed = withHashes(bundle, hashes);
  const upgraded = upgradeBundle(hashed, scope);
  const rows = Object.entries(verification.rows).map(([table, count]) => [upgraded.renamed(table) ?? table, count]);
  return {
    bundle: upgraded.bundle,
    verification: { ...verification, rows: Object.fromEntries(rows) },
    sha256: await sha256Of(hashed.open(checksumsPath, options.signal)),
  };
}

/**
 * The same but for the content of tables, which is verified as their rows are read. Only for a bundle that can be told to be in order that
 * way: of Holdall's own layout, of today's version of the scope, with nothing to be said about it so far.
 * @returns nothing for any other bundle, of which `verifyForImport` says what is the matter.
 */
export async function verifyButTables(bundle: Bundle, scope: Scope, options: VerifyOptions = {}): Promise<VerifiedBundle | null> {
  assertScope(bundle, scope);
  const { pool: _, ...reading } = options;
  const isPlain = bundle.layout === "holdall" && bundle.manifest.scope.version === scope.version;
  const checksums = isPlain ? await bundle.checksums?.().catch(() => null) : null;
  if (checksums === null || checksums === undefined) return null;
  const tables = new LateTables(bundle, checksums);
  const check: EntryChecker = (tasks, context) => tables.check(tasks, context);
  const verification = await verifyBundle(bundle, { ...reading, check, codec: nodeCodec });
  if (!verification.valid) return null;
  return {
    bundle: tables.bundle,
    verification,
    sha256: await sha256Of(bundle.open(checksumsPath, options.signal)),
    settle: (signal) => tables.settle(signal),
  };
}

/** What is missing or of another size is left without a hash: its row is skipped. */
async function hashReferences(
  { manifest }: Bundle,
  pool: FilePool,
  onHash: (path: string, sha256: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  for await (const { file, sha256 } of checkReferences(manifest.files, pool, { codec: nodeCodec, signal }))
    if (sha256 !== undefined) onHash(file.reference, sha256);
}

function assertScope({ manifest }: Bundle, scope: Scope): void {
  if (manifest.scope.name !== scope.name) {
    const message = `the bundle is of the scope ${manifest.scope.name} and this installation has ${scope.name}`;
    throw new BackupError("SCHEMA_SCOPE", message, { found: manifest.scope.name, expected: scope.name });
  }
  if (manifest.scope.version > scope.version) {
    const message = `the bundle has version ${manifest.scope.version} of the scope ${scope.name} and this installation has version ${scope.version}; upgrade it first`;
    throw new BackupError("SCHEMA_VERSION", message, { found: manifest.scope.version, supported: scope.version });
  }
}

function invalid(issues: readonly Issue[]): BackupError {
  const errors = issues.filter((issue) => issue.severity === "error");
  const first = errors[0]!;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new BackupError(first.code, `${first.message}${more}`, { ...first.details, issues: [...issues] });
}
