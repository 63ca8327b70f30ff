import { type CheckedTable, checkTable, type TableTask } from "./bundle/check-table.ts";
import type { TableVisitor } from "./bundle/read-table.ts";
import { type CheckName, checkOfContent } from "./checks.ts";
import type { Codec } from "./codec.ts";
import type { Container, ContainerEntry, HashedEntry } from "./container.ts";
import { type BackupError, type Issue, issueFrom, rethrowUnlessBackupError } from "./errors.ts";

/** An entry whose content is to be read whole and hashed; as a table's rows where it is one. */
export interface EntryTask {
  entry: ContainerEntry;
  table?: TableTask;
}

export interface CheckedEntry {
  entry: ContainerEntry;
  /** Lowercase hex; absent where the content could not be read whole. */
  sha256?: string;
  failure?: { check: CheckName; issue: Issue };
  table?: Omit<CheckedTable, "failure">;
}

export interface CheckContext {
  container: Container;
  codec: Pick<Codec, "createSha256">;
  /** Where the content's size helps to hash it faster. */
  createHash?: (size: number) => Promise<{ update(bytes: Uint8Array): void; digest(): string | Promise<string> }>;
  rowBytes: number;
  /** Takes pieces of a table's text back that have been looked at. */
  release?: (piece: Uint8Array) => void;
  signal?: AbortSignal | undefined;
  /** Uncompressed bytes and rows that have been looked at since the last call. */
  onProgress: (entry: ContainerEntry, bytes: number, rows: number) => void;
}

/** Looks at every entry and gives what it found, in any order. Fails with `signal.reason` and with what a source fails with. */
export type EntryChecker = (tasks: readonly EntryTask[], context: CheckContext) => AsyncIterable<CheckedEntry>;

/** On the thread that calls: tables one by one, of everything else only hashes, which a container may find faster for many. */
export async function* checkInOrder(tasks: readonly EntryTask[], context: CheckContext): AsyncGenerator<CheckedEntry> {
  const hashed: ContainerEntry[] = [];
  for (const task of tasks) {
    context.signal?.throwIfAborted();
    if (task.table === undefined) hashed.push(task.entry);
    else yield await checkTableEntry(task.entry, task.table, context);
  }
  for (let next = 0; next < hashed.length; next++) {
    try {
      for await (const found of hashesOf(hashed.slice(next), context)) {
        context.onProgress(found.entry, found.entry.size, 0);
        yield withHash(found);
        next++;
      }
    } catch (error) {
      yield { entry: hashed[next]!, failure: contentFailure(error) };
    }
  }
}

function withHash({ entry, sha256 }: HashedEntry): CheckedEntry {
  return sha256 === undefined ? { entry } : { entry, sha256 };
}

function hashesOf(entries: readonly ContainerEntry[], context: CheckContext): AsyncIterable<HashedEntry> {
  return context.container.verify?.(entries, { signal: context.signal }) ?? hashEach(entries, context);
}

async function* hashEach(entries: readonly ContainerEntry[], context: CheckContext): AsyncGenerator<HashedEntry> {
  for (const entry of entries) {
    const hash = await context.codec.createSha256();
    for await (const chunk of context.container.open(entry, context.signal)) hash.update(chunk);
    yield { entry, sha256: hash.digest() };
  }
}

/** Hashes a table and walks its rows in one reading, in which `taker` gets them as well: before it is known whether the rest is in order. */
export async function checkTableEntry(
  entry: ContainerEntry,
  task: TableTask,
  context: Omit<CheckContext, "container"> & { container: Pick<Container, "open"> },
  taker?: TableVisitor,
): Promise<CheckedEntry> {
  const hash = await (context.createHash?.(entry.size) ?? context.codec.createSha256());
  let bytes = 0;
  let reported = 0;
  async function* tallied(): AsyncGenerator<Uint8Array> {
    for await (const chunk of context.container.open(entry, context.signal)) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
      context.release?.(chunk);
    }
  }
  const onRows = (rows: number) => {
    context.onProgress(entry, bytes, rows - reported);
    [bytes, reported] = [0, rows];
  };
  const { failure, ...table } = await checkTable(tallied(), entry, task, { rowBytes: context.rowBytes, onRows, taker });
  return failure === undefined
    ? { entry, table, sha256: await hash.digest() }
    : { entry, table, failure: contentFailure(failure) };
}

/** A bad entry is a finding and the others are still looked at; a source that cannot be read ends it all. */
export function contentFailure(error: unknown): { check: CheckName; issue: Issue } {
  return failureIn(error, checkOfContent);
}

export function failureIn(error: unknown, checkOf: (code: BackupError["code"]) => CheckName): { check: CheckName; issue: Issue } {
  rethrowUnlessBackupError(error);
  if (error.code.startsWith("IO_")) throw error;
  return { check: checkOf(error.code), issue: issueFrom(error) };
}
