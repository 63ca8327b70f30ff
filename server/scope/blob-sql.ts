import { quoteIdent } from "../database/session.ts";
import type { BlobScope } from "./define-scope.ts";

/** The column that holds an object's key; `undefined` where the key follows from the row. */
export function keyColumn({ key }: BlobScope): string | undefined {
  return typeof key === "string" ? key : undefined;
}

/** SQL of an object's key over its row, which is `alias` or the only one in sight. */
export function keySql({ key }: BlobScope, alias?: string): string {
  if (typeof key === "string") return alias === undefined ? quoteIdent(key) : `${alias}.${quoteIdent(key)}`;
  return alias === undefined ? `(${key.sql})` : `(select ${key.sql} from (select ${alias}.*) own)`;
}

/** Columns of the row that describe the object. */
export function describingColumns({ id, key, name, size, sha256, contentType }: BlobScope): string[] {
  return [id, key, name, size, sha256, contentType].filter((column) => typeof column === "string");
}
