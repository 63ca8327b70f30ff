import type { Sql } from "postgres";
import type { ManifestFile } from "../../engine/bundle/manifest.ts";
import type { Omitted } from "../../engine/bundle/thin.ts";
import type { BlobPlan } from "../../engine/plan.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { quoteIdent, quoteTable } from "../database/session.ts";
import { keyColumn, keySql } from "../scope/blob-sql.ts";
import { alternateKey } from "./alternate-key.ts";
import { inParallel } from "./in-parallel.ts";
import { type BlobCopies, identityOf } from "./known-blobs.ts";
import { joinOn, outcomeOf, type PlanInput, plannedRows } from "./plan-input.ts";
import { sha256Of } from "./sha256.ts";
import { unqualified } from "./stage-table.ts";

/** What becomes of the object of one staged row. */
export interface BlobDecision {
  row: number;
  state: "write" | "present" | "missing" | "kept";
  /** Key in the target's store. */
  key: string;
  /** Key in the bundle. */
  original: string;
  /** Path in the bundle, for what is written. */
  path: string | null;
  /** Key of an object of the target's own store with the same content, where a thin bundle only names it. */
  copyOf: string | null;
  size: number;
  sha256: string;
  contentType: string | null;
}

interface Candidate {
  row: number;
  id: string;
  key: string | null;
  size: number | null;
  existing: boolean;
  /** Another row of the target holds this key. */
  taken: boolean;
}

interface BlobContext {
  store: BlobStore;
  files: ReadonlyMap<string, ManifestFile>;
  /** Files that a thin bundle does not carry, and where the target says it has them. */
  omitted: Omitted;
  copies: BlobCopies;
  signal?: AbortSignal;
}

/**
 * Decides for every row that is new, or whose content differs from the target's, where its object comes from and under
 * which key it will be. Reads the store and changes nothing.
 */
export async function planBlobs(sql: Sql, input: PlanInput, context: BlobContext): Promise<BlobDecision[]> {
  const candidates = await sql.unsafe(candidatesSql(input));
  const decisions = await inParallel(candidates as unknown as Candidate[], 16, (candidate) => decide(candidate, input, context));
  await writeDecisions(sql, input, decisions);
  return decisions;
}

function candidatesSql({ table, targetEmpty }: PlanInput): string {
  const blob = table.scope.blob!;
  const key = table.catalog.primaryKey;
  const target = targetEmpty ? `(select * from ${quoteTable(table.catalog)} where false)` : quoteTable(table.catalog);
  const column = (alias: string, name: string) => `${alias}.${quoteIdent(name)}`;
  const differs = [blob.size, blob.sha256]
    .filter((name) => name !== undefined)
    .map((name) => `${column("t", name)} is distinct from ${column("s", name)}`)
    .join(" or ");
  const own = key.map((name) => `${column("o", name)} = ${column("s", name)}`).join(" and ");
  // A key that follows from the row is no other row's.
  const held =
    keyColumn(blob) === undefined
      ? { taken: "false", join: "" }
      : { taken: "o is not null", join: `left join ${target} o on ${keySql(blob, "o")} = ${keySql(blob, "s")} and not (${own})` };
  return `select s._row::int4 as row, ${column("s", blob.id)}::text as id, ${keySql(blob, "s")}::text as key,
      ${column("s", blob.size)}::float8 as size, ${column("t", key[0]!)} is not null as existing, ${held.taken} as taken
    from ${table.stage} s left join ${target} t on ${joinOn(key, "t", "s")}
    ${held.join}
    where ${column("t", key[0]!)} is null or ${differs} order by s._row`;
}

async function decide(candidate: Candidate, { mode }: PlanInput, context: BlobContext): Promise<BlobDecision> {
  const file = context.files.get(candidate.id);
  const base: Base = {
    row: candidate.row,
    key: candidate.key ?? "",
    original: candidate.key ?? "",
    path: null,
    copyOf: null,
    size: file?.size ?? candidate.size ?? 0,
    sha256: file?.sha256 ?? "",
    contentType: file?.content_type ?? null,
  };
  if (candidate.existing && mode !== "merge") return { ...base, state: "kept" };
  if (candidate.key === null) return { ...base, state: "missing" };
  return file?.stored === "bundle" ? decideCarried(candidate, file, base, context) : decideNamed(candidate, file, base, context);
}

type Base = Omit<BlobDecision, "state">;

/** The bundle carries the object: its own key where that is free, else another one; never over another object. */
async function decideCarried(candidate: Candidate, file: ManifestFile, base: Base, context: BlobContext): Promise<BlobDecision> {
  const write = { ...base, path: file.path };
  for (const key of candidateKeys(base, candidate)) {
    const found = await context.store.stat(key, context.signal);
    if (found === null) return decideWrite({ ...write, key }, context);
    if (await holds(key, base, found.size, context)) return { ...base, key, state: "present" };
  }
  return { ...base, state: "missing" };
}

/** What a thin bundle leaves out is copied from an object of the target's own, which is read first: a row may say anything. */
async function decideWrite(write: Base, context: BlobContext): Promise<BlobDecision> {
  if (write.path === null || !context.omitted.has(write.path)) return { ...write, state: "write" };
  for (const copyOf of context.copies.get(identityOf(write)) ?? []) {
    const found = await context.store.stat(copyOf, context.signal);
    if (found !== null && (await holds(copyOf, write, found.size, context))) return { ...write, copyOf, state: "write" };
  }
  return { ...write, key: write.original, path: null, state: "missing" };
}

/** The key of the bundle, unless another row of the target lives there; then keys that its content gives. */
function candidateKeys({ original, sha256 }: Base, { taken }: Candidate): string[] {
  const others = [12, 24, 64].map((digits) => alternateKey(original, sha256.slice(0, digits)));
  return taken ? others : [original, ...others];
}

async function holds(key: string, expected: { size: number; sha256: string }, size: number, { store, signal }: BlobContext) {
  if (size !== expected.size) return false;
  const opened = await store.open(key, signal === undefined ? {} : { signal });
  return (await sha256Of(opened.body)) === expected.sha256;
}

/**
 * The bundle only names the object: the row may arrive where the target's store has it under the same key. A row that exists
 * describes another content now, so that the object must be read to be believed.
 */
async function decideNamed(
  candidate: Candidate,
  file: ManifestFile | undefined,
  base: Base,
  context: BlobContext,
): Promise<BlobDecision> {
  if (candidate.taken) return { ...base, state: "missing" };
  const found = await context.store.stat(base.key, context.signal);
  const size = file?.size ?? candidate.size;
  if (found === null || (size !== null && found.size !== size)) return { ...base, state: "missing" };
  const fits = !candidate.existing || (await holds(base.key, base, found.size, context));
  return { ...base, state: fits ? "present" : "missing" };
}

async function writeDecisions(sql: Sql, { table }: PlanInput, decisions: BlobDecision[]): Promise<void> {
  await sql.unsafe(
    `create temporary table ${unqualified(table.blobs)} (_row int8 primary key, state text not null, key text not null)`,
  );
  for (let i = 0; i < decisions.length; i += 1000) {
    const part = decisions.slice(i, i + 1000).map(({ row, state, key }) => ({ row, state, key }));
    await sql.unsafe(
      `insert into ${table.blobs} select row, state, key from json_to_recordset($1::text::json) as r(row int8, state text, key text)`,
      [JSON.stringify(part)],
    );
  }
  await sql.unsafe(`analyze ${table.blobs}`);
}

/** The decisions about rows that the plan lets in, or keeps out for want of their object. */
export async function settledBlobs(sql: Sql, input: PlanInput, decisions: readonly BlobDecision[]): Promise<BlobDecision[]> {
  const rows = await sql.unsafe(
    `select _row::int4 as row from ${plannedRows(input)} where ${outcomeOf(input)} in ('insert', 'update', 'blob_missing')`,
  );
  const applied = new Set(rows.map((row) => row["row"] as number));
  return decisions.filter((decision) => applied.has(decision.row) && decision.state !== "kept");
}

export function summarizeBlobs(decisions: readonly BlobDecision[]): BlobPlan {
  const summary: BlobPlan = { write: 0, bytes: 0, present: 0, rekeyed: 0, missing: 0 };
  for (const { state, size, key, original } of decisions) {
    if (state === "kept") continue;
    summary[state]++;
    if (state === "write") summary.bytes += size;
    if (state !== "missing" && original !== key) summary.rekeyed++;
  }
  return summary;
}
