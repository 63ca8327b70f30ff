import type { Sql } from "postgres";
import { inOneTransaction } from "./transaction.ts";

/** Holdall's own tables, in the schema `holdall_journal` of the target database. A number is never changed once it was released. */
const migrations: readonly string[] = [
  `create table holdall_journal.imports (
     id uuid primary key,
     state text not null check (state in ('running', 'committed', 'failed', 'recovered')),
     scope text not null,
     mode text not null,
     importer text not null,
     bundle_sha256 text not null,
     plan_digest text,
     store text not null,
     started_at timestamptz not null default now(),
     finished_at timestamptz,
     report jsonb,
     error jsonb
   );
   -- Objects that an import is about to write: what a dead import left is found here.
   create table holdall_journal.import_objects (
     import_id uuid not null references holdall_journal.imports (id) on delete cascade,
     key text not null,
     size bigint not null,
     sha256 text not null,
     primary key (import_id, key)
   );`,
  `-- What a committed import still has to do to the blob store: without a source, the object goes.
   create table holdall_journal.import_aftermath (
     import_id uuid not null references holdall_journal.imports (id) on delete cascade,
     key text not null,
     source text,
     size bigint,
     sha256 text,
     primary key (import_id, key)
   );`,
];

/** Brings the schema `holdall_journal` up to date over a session; concurrent callers wait for each other. `lost` aborts with it. */
export function migrate(sql: Sql, lost?: AbortSignal): Promise<void> {
  return inOneTransaction(
    sql,
    async () => {
      await sql`select pg_advisory_xact_lock(hashtext('holdall.migrations'))`;
      await sql`create schema if not exists holdall_journal`;
      await sql`create table if not exists holdall_journal.migrations (number int primary key, applied_at timestamptz not null default now())`;
      const rows = await sql`select number from holdall_journal.migrations`;
      const applied = new Set(rows.map((row) => row["number"] as number));
      for (const [i, statements] of migrations.entries()) {
        if (applied.has(i + 1)) continue;
        await sql.unsafe(statements);
        await sql`insert into holdall_journal.migrations (number) values (${i + 1})`;
      }
    },
    lost,
  );
}
