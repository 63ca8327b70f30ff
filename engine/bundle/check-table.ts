import type { ContainerEntry } from "../container.ts";
import type { Issue } from "../errors.ts";
import { type BackupError, rethrowUnlessBackupError } from "../errors.ts";
import type { ManifestTable } from "./manifest.ts";
import { readTable, type TableVisitor } from "./read-table.ts";
import { RowIndexer, type RowMarks } from "./row-index.ts";
import { TableCheck } from "./table-check.ts";

/** What the manifest says of a table, as far as its rows are held against it. */
export interface TableTask {
  name: string;
  record: ManifestTable | undefined;
  /** Ids of the manifest's files; empty for a table that owns none. */
  fileIds: ReadonlySet<string>;
}

export interface CheckedTable {
  /** Rows found, as far as the table could be read. */
  rows: number;
  /** The first of them. */
  issues: Issue[];
  /** Errors and warnings beyond those in `issues`. */
  moreErrors: number;
  moreWarnings: number;
  /** Ids of files that its rows name. */
  claimed: string[];
  /** Where some of the rows lie in the table's text. */
  marks: RowMarks;
  /** Why it could not be read to its end. */
  failure: BackupError | undefined;
}

/**
 * Walks all rows of a table; `taker` gets each of them once it was looked at. Fails only as its body and `taker` do, other than with a
 * `BackupError`, which is a finding.
 */
export async function checkTable(
  body: AsyncIterable<Uint8Array>,
  entry: Pick<ContainerEntry, "path">,
  task: TableTask,
  options: { rowBytes: number; onRows?: (rows: number) => void; taker?: TableVisitor | undefined },
): Promise<CheckedTable> {
  const { taker } = options;
  const claimed = new Set<string>();
  const check = new TableCheck(entry.path, task.record, task.fileIds, claimed);
  let rows = 0;
  let failure: BackupError | undefined;
  const indexer = new RowIndexer();
  const visitor: TableVisitor = {
    piece(offset) {
      indexer.piece(offset);
      taker?.piece?.(offset);
    },
    row(bytes, fields, place, start, end) {
      rows++;
      indexer.row(bytes, fields, place, start);
      check.row(bytes, fields, place);
      taker?.row(bytes, fields, place, start, end);
    },
    ...(taker?.pause !== undefined && { pause: () => taker.pause!() }),
  };
  async function* counted() {
    for await (const chunk of body) {
      yield chunk;
      options.onRows?.(rows);
    }
  }
  try {
    await readTable(counted(), entry.path, visitor, options.rowBytes);
  } catch (error) {
    rethrowUnlessBackupError(error);
    failure = error;
  }
  const { issues, moreErrors, moreWarnings } = check;
  return { rows, issues, moreErrors, moreWarnings, claimed: [...claimed], marks: indexer.index.marks, failure };
}
