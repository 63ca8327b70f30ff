import type { ManifestFile } from "./bundle/manifest.ts";
import type { Codec } from "./codec.ts";
import { BackupError, type Issue, issueFrom, rethrowUnlessBackupError } from "./errors.ts";
import type { FilePool } from "./file-pool.ts";

/** A file that a bundle refers to. */
export type ReferredFile = ManifestFile & { reference: string };

export type CheckedReference = { file: ReferredFile } & ({ sha256: string; issue?: never } | { issue: Issue; sha256?: never });

/** Read at once: a pool in a bucket answers slowly and to many. */
const atOnce = 6;

export function referredFiles(files: readonly ManifestFile[]): ReferredFile[] {
  return files.filter((file): file is ReferredFile => file.stored === "external" && file.reference !== undefined);
}

/**
 * Reads every file that a bundle refers to and holds its size and SHA-256, where the manifest states them, against what is there; in order.
 * An object that is in several bundles or rows is read once.
 */
export async function* checkReferences(
  files: readonly ManifestFile[],
  pool: FilePool,
  options: { codec: Pick<Codec, "createSha256">; signal?: AbortSignal | undefined },
): AsyncGenerator<CheckedReference> {
  const read = new Map<string, Promise<ReadObject>>();
  const readOnce = (reference: string) => {
    const before = read.get(reference) ?? readObject(reference, pool, options);
    read.set(reference, before);
    return before;
  };
  const ahead: Promise<CheckedReference>[] = [];
  try {
    for (const file of referredFiles(files)) {
      const next = checkReference(file, pool, () => readOnce(file.reference));
      next.catch(() => undefined); // reported where it is awaited
      ahead.push(next);
      if (ahead.length >= atOnce) yield await ahead.shift()!;
    }
    while (ahead.length > 0) yield await ahead.shift()!;
  } finally {
    await Promise.allSettled(ahead);
  }
}

interface ReadObject {
  size: number;
  sha256: string;
}

async function checkReference(file: ReferredFile, pool: FilePool, read: () => Promise<ReadObject>): Promise<CheckedReference> {
  try {
    const { size, sha256 } = await read();
    assertSame(file, { size, sha256 }, pool);
    return { file, sha256 };
  } catch (error) {
    rethrowUnlessBackupError(error);
    if (error.code === "IO_STORE_MISSING") return { file, issue: issueFrom(missing(file, pool)) };
    if (!error.code.startsWith("INTEGRITY_")) throw error;
    return { file, issue: issueFrom(error) };
  }
}

async function readObject(
  reference: string,
  pool: FilePool,
  { codec, signal }: { codec: Pick<Codec, "createSha256">; signal?: AbortSignal | undefined },
): Promise<ReadObject> {
  const { body } = await pool.open(reference, signal === undefined ? {} : { signal });
  const hash = await codec.createSha256();
  let size = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest() };
}

function assertSame(file: ReferredFile, found: ReadObject, pool: FilePool): void {
  const { id, reference, size, sha256 } = file;
  const details = { file: id, reference };
  if (size !== null && size !== found.size) {
    const message = `${reference} in ${pool.description} has ${found.size} bytes and the manifest says ${size}`;
    throw new BackupError("INTEGRITY_SIZE", message, details);
  }
  if (sha256 !== null && sha256 !== found.sha256) {
    const message = `${reference} in ${pool.description}: its SHA-256 is not the one in the manifest: the content was changed`;
    throw new BackupError("INTEGRITY_HASH", message, details);
  }
}

function missing({ id, reference }: ReferredFile, pool: FilePool): BackupError {
  const message = `${reference}, which the manifest refers to, is missing in ${pool.description}`;
  return new BackupError("INTEGRITY_MISSING", message, { file: id, reference });
}
