import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { expect } from "vitest";
import { BackupError } from "../../engine/errors.ts";
import { type Instance, stateOf } from "./instances.ts";

/** A place of an import, by the statement that PostgreSQL gets there. */
export interface Phase {
  name: string;
  statement: RegExp;
  /** Its answer is what is held, and not itself. */
  answer?: true;
}

/** In the order of an import into an empty instance. */
export const phases: Phase[] = [
  { name: "migrating", statement: /^create schema if not exists holdall_journal/ },
  { name: "verifying", statement: /^update holdall_journal\.imports set state = 'recovered'/ },
  { name: "recording its begin", statement: /^insert into holdall_journal\.imports/, answer: true },
  { name: "making a staging table", statement: /^create temporary table stage_2/ },
  { name: "opening a COPY", statement: /^copy pg_temp\.stage_7/ },
  { name: "staging", statement: /^analyze pg_temp\.stage_8/ },
  { name: "planning", statement: /^alter table pg_temp\.plan_7/ },
  { name: "announcing objects", statement: /^insert into holdall_journal\.import_objects/ },
  { name: "about to write objects", statement: /^insert into holdall_journal\.import_objects/, answer: true },
  { name: "locking the tables", statement: /^lock table/ },
  { name: "copying the first table", statement: /^copy "public"\."organizations"/ },
  { name: "copying a large table", statement: /^copy "public"\."assets"/, answer: true },
  { name: "behind a copied table", statement: /^copy "public"\."asset_edges"/ },
  { name: "between two tables", statement: /^insert into "public"\."files"/ },
  { name: "filling references", statement: /^update "public"\."reports"/ },
  { name: "recording its end", statement: /^update holdall_journal\.imports set state = 'committed'/ },
  { name: "about to commit", statement: /^delete from holdall_journal\.import_objects where import_id = \$1$/, answer: true },
];

export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("it succeeded"),
    (error) => error,
  );
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await failureOf(work);
  if (!(error instanceof BackupError)) throw error;
  return error.code;
}

/** The states of all imports, oldest first. */
export async function importStates(sql: Sql): Promise<string[]> {
  return (await sql`select state from holdall_journal.imports order by started_at`).map((row) => row["state"] as string);
}

/** As before the import, and nobody still works for it: no session, no lock, no temporary table, nothing announced. */
export async function expectUntouched(instance: Instance, before: Awaited<ReturnType<typeof stateOf>>): Promise<void> {
  expect(await stateOf(instance)).toEqual(before);
  await expectQuiet(instance.sql);
}

export async function expectQuiet(sql: Sql): Promise<void> {
  const traces = () => sql`
    select 'lock' as trace, locktype || ' ' || mode as what from pg_locks
      where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
    union all select 'temporary table', relname from pg_class where relpersistence = 't' and relkind = 'r'
    union all select 'session', state || ': ' || query from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' and backend_type = 'client backend'`;
  // PostgreSQL clears up behind a connection that was cut in its own time.
  for (let attempt = 0; attempt < 100 && (await traces()).length > 0; attempt++) await sleep(20);
  expect([...(await traces())]).toEqual([]);
}

/** Objects that no row of the instance refers to. */
export async function orphans({ sql, store }: Instance): Promise<string[]> {
  const known = new Set((await sql`select object_key from files`).map((row) => row["object_key"] as string));
  const found: string[] = [];
  for await (const { key } of store.list()) if (!known.has(key)) found.push(key);
  return found;
}

export async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(10)) if (await probe()) return;
  throw new Error(`waited in vain for ${what}`);
}
