import type { Sql } from "postgres";
import type { ImportReport } from "../../../engine/plan.ts";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { quoteTableKey } from "../../database/session.ts";
import { keySql } from "../../scope/blob-sql.ts";
import type { Scope } from "../../scope/define-scope.ts";
import type { BlobDecision } from "../decide-blob.ts";
import type { ImportRequest } from "../import-request.ts";
import { inParallel } from "../in-parallel.ts";
import { sha256Of } from "../sha256.ts";

/** Objects that rows name before the tables are swapped. */
const before = "pg_temp.objects_before";

/** What is to be done to the blob store once the database has committed; without `source`, the object goes. */
interface Task {
  importId: string;
  key: string;
  source: string | null;
  size: number;
  sha256: string;
}

/** SQL of every key that a row of the scope names. */
function namedKeys({ tables }: Scope): string {
  const queries = Object.entries(tables).flatMap(([table, { blob }]) =>
    blob === undefined ? [] : [`select ${keySql(blob)}::text as key from ${quoteTableKey(table)}`],
  );
  return queries.length === 0 ? "select null::text as key where false" : queries.join(" union all ");
}

/** Within the transaction, before it touches a row. */
export async function noteObjects(sql: Sql, scope: Scope): Promise<void> {
  await sql.unsafe(`drop table if exists ${before}`);
  await sql.unsafe(
    `create temporary table objects_before as select distinct key from (${namedKeys(scope)}) k where key is not null`,
  );
}

/** Within the transaction, after the last row: what has to follow the commit is written down with it. */
export async function announceAftermath(
  sql: Sql,
  scope: Scope,
  importId: string,
  decisions: readonly BlobDecision[],
): Promise<void> {
  await sql.unsafe(
    `insert into holdall_journal.import_aftermath (import_id, key)
     select $1, key from ${before} where key not in (select key from (${namedKeys(scope)}) k where key is not null)`,
    [importId],
  );
  const moves = decisions.filter(({ final, state }) => final !== null && state !== "missing");
  for (let i = 0; i < moves.length; i += 1000) {
    const part = moves.slice(i, i + 1000).map(({ key, final, size, sha256 }) => ({ key: final, source: key, size, sha256 }));
    await sql.unsafe(
      `insert into holdall_journal.import_aftermath (import_id, key, source, size, sha256)
       select $1, key, source, size, sha256 from json_to_recordset($2::text::json) as o(key text, source text, size int8, sha256 text)`,
      [importId, JSON.stringify(part)],
    );
  }
}

/** Objects that the import has written for rows that do not enter after all. */
export async function announceSurplus(sql: Sql, scope: Scope, importId: string, written: Iterable<string>): Promise<void> {
  await sql.unsafe(
    `insert into holdall_journal.import_aftermath (import_id, key)
     select $1, key from json_array_elements_text($2::text::json) as w(key)
       where key not in (select key from (${namedKeys(scope)}) k where key is not null) on conflict do nothing`,
    [importId, JSON.stringify([...written])],
  );
}

/**
 * Does what committed imports left to be done to this store: objects that no row names any more go, and content that waited beside
 * a live object takes its place. Only called by whoever holds the import lock.
 * @returns how much could not be done now; the next import tries again.
 */
export async function finishAftermath(sql: Sql, store: BlobStore, scope: Scope): Promise<number> {
  const rows = await sql.unsafe(
    `select a.import_id as "importId", a.key, a.source, a.size::float8 as size, a.sha256,
       a.key in (select key from (${namedKeys(scope)}) k where key is not null) as named
     from holdall_journal.import_aftermath a join holdall_journal.imports i on i.id = a.import_id where i.store = $1 order by a.key`,
    [store.description],
  );
  const done = await inParallel(rows as unknown as (Task & { named: boolean })[], 8, async (task) => {
    try {
      await carryOut(store, task);
    } catch {
      return false;
    }
    await sql`delete from holdall_journal.import_aftermath where import_id = ${task.importId} and key = ${task.key}`;
    return true;
  });
  return done.filter((isDone) => !isDone).length;
}

/** The import has committed: what fails from here on is left to the next one. */
export async function withAftermath(
  sql: Sql,
  { store, scope, onProgress }: ImportRequest,
  report: ImportReport,
): Promise<ImportReport> {
  onProgress?.({ phase: "apply" });
  const pending = await finishAftermath(sql, store, scope).catch(() => 1);
  return pending === 0 ? report : { ...report, pending_objects: pending };
}

async function carryOut(store: BlobStore, { key, source, size, sha256, named }: Task & { named: boolean }): Promise<void> {
  if (source === null) return named ? undefined : store.remove(key);
  if (named && (await store.stat(source)) !== null && !(await holds(store, key, size, sha256))) {
    // The content waits under its other key until it is there: a kill in between loses nothing.
    await store.remove(key);
    await store.create(key, (await store.open(source)).body, { size, sha256 });
  }
  await store.remove(source);
}

async function holds(store: BlobStore, key: string, size: number, sha256: string): Promise<boolean> {
  const found = await store.stat(key);
  return found?.size === size && (await sha256Of((await store.open(key)).body)) === sha256;
}
