import type { Sql } from "postgres";
import { BackupError } from "../../engine/errors.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { readCatalog } from "../database/catalog.ts";
import { quoteIdent, quoteTable } from "../database/session.ts";
import { keySql } from "../scope/blob-sql.ts";
import type { Scope } from "../scope/define-scope.ts";
import { type ResolvedTable, resolveScope } from "../scope/resolve-scope.ts";
import { inParallel } from "./in-parallel.ts";

/** A stored object by its content. */
export interface BlobIdentity {
  /** Lowercase hex. */
  sha256: string;
  /** Bytes. */
  size: number;
}

/** Keys under which rows of this installation say that a content is stored: claims, to be read before they are believed. */
export type BlobCopies = ReadonlyMap<string, readonly string[]>;

export const identityOf = ({ sha256, size }: BlobIdentity): string => `${sha256} ${size}`;

const perQuery = 5000;
/** Rows that share a content mostly share the object: a few keys are enough to find one that is there. */
const keysEach = 3;

/** Looks the contents up in the rows of every table that owns stored objects. */
export async function findCopies(
  sql: Sql,
  tables: readonly ResolvedTable[],
  wanted: readonly BlobIdentity[],
): Promise<BlobCopies> {
  const copies = new Map<string, string[]>();
  for (const table of tables.filter(({ scope }) => scope.blob?.sha256 !== undefined)) {
    for (let at = 0; at < wanted.length; at += perQuery) {
      const part = wanted.slice(at, at + perQuery);
      const rows = await sql.unsafe(copiesSql(table), [JSON.stringify(part.map(({ sha256, size }) => ({ sha256, size })))]);
      for (const { sha256, size, keys } of rows as unknown as (BlobIdentity & { keys: string[] })[]) {
        const identity = identityOf({ sha256, size });
        copies.set(identity, [...(copies.get(identity) ?? []), ...keys]);
      }
    }
  }
  return copies;
}

function copiesSql({ scope, catalog }: ResolvedTable): string {
  const { size, sha256 } = scope.blob!;
  return `select w.sha256, w.size::float8 as size, to_json((array_agg(distinct ${keySql(scope.blob!, "t")}::text))[1:${keysEach}]) as keys
    from json_to_recordset($1::text::json) as w(sha256 text, size float8)
    join ${quoteTable(catalog)} t on t.${quoteIdent(sha256!)}::text = w.sha256 and t.${quoteIdent(size)}::float8 = w.size
    where ${keySql(scope.blob!, "t")} is not null group by w.sha256, w.size`;
}

/** The most contents that can be asked for at once. */
export const mostAsked = 5000;

/**
 * Which of the contents this installation has: rows name them and the store has an object of that size under their key. An import
 * reads such an object before it trusts it, and skips its row where the content turns out to be another one.
 * @returns one answer a content, in order.
 * @throws BackupError `REQUEST_INVALID` for more than 5,000 contents, `IO_STORE_UNAVAILABLE`, `IO_DATABASE`
 */
export async function knownBlobs(
  installation: { sql: Sql; store: BlobStore; scope: Scope; signal?: AbortSignal },
  wanted: readonly BlobIdentity[],
): Promise<boolean[]> {
  if (wanted.length > mostAsked)
    throw new BackupError("REQUEST_INVALID", `at most ${mostAsked} files can be asked for at once, not ${wanted.length}`);
  const { sql, store, scope, signal } = installation;
  const copies = await findCopies(sql, resolveScope(scope, await readCatalog(sql)).tables, wanted);
  return inParallel([...wanted], 16, async (identity) => {
    for (const key of copies.get(identityOf(identity)) ?? []) {
      if ((await store.stat(key, signal))?.size === identity.size) return true;
    }
    return false;
  });
}
