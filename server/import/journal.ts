import type { Sql } from "postgres";
import type { ImportReport } from "../../engine/plan.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { quoteTableKey } from "../database/session.ts";
import { keySql } from "../scope/blob-sql.ts";
import type { Scope } from "../scope/define-scope.ts";
import { inParallel } from "./in-parallel.ts";
import { sha256Of } from "./sha256.ts";

/** An object that an import writes. */
export interface JournalObject {
  key: string;
  size: number;
  sha256: string;
}

/**
 * What is kept of imports in the target database: an audit record of each, and the objects that one is about to write, so
 * that a process that dies leaves nothing unknown behind.
 */
export class Journal {
  readonly #sql: Sql;
  readonly id: string;
  readonly #announced: JournalObject[] = [];
  /** There may be a record of it. */
  begun = false;

  constructor(sql: Sql, id: string) {
    this.#sql = sql;
    this.id = id;
  }

  async begin(record: { scope: string; mode: string; importer: string; bundleSha256: string; store: string }): Promise<void> {
    this.begun = true;
    await this.#sql`insert into holdall_journal.imports (id, state, scope, mode, importer, bundle_sha256, store)
      values (${this.id}, 'running', ${record.scope}, ${record.mode}, ${record.importer}, ${record.bundleSha256}, ${record.store})`;
  }

  /** Must be on disk before the first of the objects is written. */
  async announce(objects: readonly JournalObject[]): Promise<void> {
    for (const object of objects) this.#announced.push(object);
    await this.#write(objects);
  }

  async #write(objects: readonly JournalObject[]): Promise<void> {
    for (let i = 0; i < objects.length; i += 1000) {
      await this.#sql.unsafe(
        `insert into holdall_journal.import_objects select $1::uuid, key, size, sha256
         from json_to_recordset($2::text::json) as o(key text, size int8, sha256 text) on conflict do nothing`,
        [this.id, JSON.stringify(objects.slice(i, i + 1000).map(({ key, size, sha256 }) => ({ key, size, sha256 })))],
      );
    }
  }

  /** Within the transaction that applies the import: the record and the rows commit together. */
  async commit(transaction: Sql, report: ImportReport): Promise<void> {
    await transaction.unsafe(
      "update holdall_journal.imports set state = 'committed', finished_at = now(), plan_digest = $2, report = $3::text::jsonb where id = $1",
      [this.id, report.plan.digest, JSON.stringify(report)],
    );
    await transaction.unsafe("delete from holdall_journal.import_objects where import_id = $1", [this.id]);
  }

  /**
   * An import that lost its connection may have been taken for dead, and its objects for removed, while it was still writing
   * them: they are announced again. @returns the report, where the import has committed after all.
   */
  async fail(error: { code: string; message: string }): Promise<ImportReport | null> {
    const set =
      "update holdall_journal.imports set state = 'failed', finished_at = now(), error = $2::text::jsonb where id = $1 and state =";
    const values = [this.id, JSON.stringify(error)];
    // Waits for a commit that is still under way.
    if ((await this.#sql.unsafe(`${set} 'running'`, values)).count > 0) return null;
    if ((await this.#sql.unsafe(`${set} 'recovered'`, values)).count > 0) await this.#write(this.#announced);
    const [row] = await this.#sql`select report from holdall_journal.imports where id = ${this.id} and state = 'committed'`;
    return (row?.["report"] as ImportReport | undefined) ?? null;
  }
}

/**
 * Removes what imports that ended without a commit had written. Only called by whoever holds the import lock: a running
 * record then belongs to a process that is gone.
 * @returns the number of objects removed.
 */
export async function removeOrphans(sql: Sql, store: BlobStore, scope: Scope): Promise<number> {
  const objects = await sql`select o.import_id, o.key, o.size::float8 as size, o.sha256 from holdall_journal.import_objects o
    join holdall_journal.imports i on i.id = o.import_id where i.state <> 'committed' and i.store = ${store.description}`;
  const removed = await inParallel(objects, 8, async (object) => {
    const orphan = { key: object["key"], size: object["size"], sha256: object["sha256"] } as JournalObject;
    const gone = await removeOrphan(sql, store, scope, orphan);
    await sql`delete from holdall_journal.import_objects where import_id = ${object["import_id"]} and key = ${orphan.key}`;
    return gone;
  });
  await sql`update holdall_journal.imports set state = 'recovered', finished_at = now() where state = 'running' and store = ${store.description}`;
  return removed.filter(Boolean).length;
}

/**
 * The journal is written before the object, so that an announced key may meanwhile hold somebody else's: it goes only when no
 * row refers to it and its content is what the import would have written.
 */
async function removeOrphan(sql: Sql, store: BlobStore, scope: Scope, { key, size, sha256 }: JournalObject): Promise<boolean> {
  const found = await store.stat(key);
  if (found === null || found.size !== size || (await isReferenced(sql, scope, key))) return false;
  if ((await sha256Of((await store.open(key)).body)) !== sha256) return false;
  await store.remove(key);
  return true;
}

async function isReferenced(sql: Sql, scope: Scope, key: string): Promise<boolean> {
  for (const [table, { blob }] of Object.entries(scope.tables)) {
    if (blob === undefined) continue;
    const name = quoteTableKey(table);
    const rows = await sql.unsafe(`select 1 from ${name} where ${keySql(blob)} = $1 limit 1`, [key]);
    if (rows.length > 0) return true;
  }
  return false;
}
